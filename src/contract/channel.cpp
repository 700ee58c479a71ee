#include "contract/channel.hpp"

#include <array>
#include <cstdlib>

#include "base/text.hpp"
#include "contract/envelope.hpp"

namespace jobrun {
namespace {

constexpr std::size_t cursor_limit = 64 * 1024;  // it is handed back in an environment variable
constexpr std::size_t result_limit = 64 * 1024;  // contract 2.8: bounded
constexpr std::size_t message_limit = 4 * 1024;
constexpr std::size_t name_limit = 255;

constexpr std::array channel_ops = {ChannelOp::hello,     ChannelOp::cursor,       ChannelOp::checkpoint,
                                    ChannelOp::item_done, ChannelOp::item_is_done, ChannelOp::intend,
                                    ChannelOp::confirm,   ChannelOp::release,      ChannelOp::doubt,
                                    ChannelOp::progress,  ChannelOp::result};

Error bad(std::string what) {
  return usage_error(std::move(what));
}

// Reads members of one request; keeps the first fault and goes on with neutral values.
class MemberReader {
 public:
  explicit MemberReader(const Json& request) : request_(request) {}

  /// `low` to `high` bytes; absent is a fault where `low` is above 0 and nothing else is said.
  std::string text(std::string_view name, std::size_t low, std::size_t high, bool required = true) {
    const Json* value = member(name, required);
    if (value == nullptr) return {};
    if (!value->is_string()) return fail(name, "must be a string, not " + std::string(value->kind_phrase()));
    const std::string& text = value->as_string();
    if (text.size() < low || text.size() > high) {
      return fail(name, "has " + std::to_string(text.size()) + " bytes, allowed are " + std::to_string(low) +
                            " to " + std::to_string(high));
    }
    return text;
  }
  /// The same for names: no control characters.
  std::string name(std::string_view name, std::size_t low, bool required = true) {
    std::string read = text(name, low, name_limit, required);
    if (!is_plain_text(read)) return fail(name, "must have no control characters");
    return read;
  }
  std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high) {
    const Json* value = member(name, true);
    if (value == nullptr) return low;
    if (!value->is_integer() || value->as_integer() < low || value->as_integer() > high) {
      fail(name, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
      return low;
    }
    return value->as_integer();
  }
  std::optional<double> fraction(std::string_view name) {
    const Json* value = member(name, false);
    if (value == nullptr) return {};
    if (!value->is_number() || !(value->as_number() >= 0 && value->as_number() <= 1)) {
      fail(name, "must be a number from 0 to 1");
      return {};
    }
    return value->as_number();
  }
  bool flag(std::string_view name) {
    const Json* value = member(name, false);
    if (value != nullptr && !value->is_bool()) fail(name, "must be true or false");
    return value != nullptr && value->as_bool();
  }
  std::optional<Span> duration(std::string_view name) {
    const Json* value = member(name, false);
    if (value == nullptr) return {};
    if (!value->is_string()) {
      fail(name, "must be a string such as \"90s\", not " + std::string(value->kind_phrase()));
      return {};
    }
    const auto span = parse_duration(value->as_string());
    if (!span) {
      fail(name, span.error().what());
      return {};
    }
    return *span;
  }
  void check(std::string_view name, const Result<void>& checked) {
    if (!checked) fail(name, checked.error().what());
  }
  std::string fail(std::string_view name, std::string what) {
    if (!fault_) fault_ = bad(std::string(name) + ": " + std::move(what));
    return {};
  }
  const std::optional<Error>& fault() const { return fault_; }

 private:
  // An explicit null is as good as absent, for languages that write all members of a record.
  const Json* member(std::string_view name, bool required) {
    const Json& value = request_.at(name);
    if (!value.is_null()) return &value;
    if (required) fail(name, "is missing");
    return nullptr;
  }

  const Json& request_;
  std::optional<Error> fault_;
};

void read_hello(MemberReader& members, ChannelRequest& request) {
  const std::int64_t version = members.integer("version", 0, 1'000'000);
  if (!members.fault() && version != channel_version) {
    members.fail("version", "jobrun speaks version " + std::to_string(channel_version) +
                                " of the channel, the peer version " + std::to_string(version));
  }
  request.run_id = members.text("run_id", 1, name_limit);
  members.check("run_id", check_run_id(request.run_id));
  request.unit = members.text("unit", 1, name_limit);
  members.check("unit", check_unit_id(request.unit));
  request.attempt = static_cast<int>(members.integer("attempt", 1, 1'000'000'000));
}

void read_stream(MemberReader& members, ChannelRequest& request) {
  std::string stream = members.name("stream", 1, false);
  if (!stream.empty()) request.stream = std::move(stream);
}

void read_key(MemberReader& members, ChannelRequest& request) {
  request.key = members.text("key", 1, name_limit);
  members.check("key", check_effect_key(request.key));
  request.scope = members.name("scope", 0, false);
}

void read_intent(MemberReader& members, ChannelRequest& request) {
  read_key(members, request);
  request.fingerprint = members.name("fingerprint", 0, false);
  const std::string word = members.name("if_in_doubt", 0, false);
  if (!word.empty()) {
    const auto policy = if_in_doubt(word);
    if (!policy) members.fail("if_in_doubt", in_quotes(word) + " is none of stop, resend, probe");
    request.policy = policy.value_or(IfInDoubt::stop);
  }
  if (const auto ttl = members.duration("token_ttl")) request.token_ttl = *ttl;
}

void read_result(MemberReader& members, ChannelRequest& request) {
  Verdict& verdict = request.verdict;
  const std::string word = members.name("verdict", 1);
  const auto kind = verdict_kind(word);
  if (!kind) {
    members.fail("verdict", in_quotes(word) + " is none of done, retry, stop");
    return;
  }
  verdict.kind = *kind;
  const bool done = *kind == VerdictKind::done;
  verdict.reason = members.name("reason", 1, !done);
  if (done && verdict.reason.empty()) verdict.reason = "ok";
  if (!is_reason(verdict.reason)) members.fail("reason", "is not a reason code (1 to 64 of a-z 0-9 _ .)");
  verdict.message = members.text("message", 0, message_limit, false);
  verdict.pause = members.flag("pause");
  if (verdict.pause && *kind != VerdictKind::stop) members.fail("pause", "goes with the verdict stop only");
  verdict.retry_after = members.duration("retry_after");
  if (verdict.retry_after && *kind != VerdictKind::retry) {
    members.fail("retry_after", "goes with the verdict retry only");
  }
}

void read_members(MemberReader& members, ChannelRequest& request) {
  switch (request.op) {
    case ChannelOp::hello:
      return read_hello(members, request);
    case ChannelOp::cursor:
      return read_stream(members, request);
    case ChannelOp::checkpoint:
      read_stream(members, request);
      request.cursor = members.text("cursor", 0, cursor_limit);
      if (request.cursor.find('\0') != std::string::npos) {
        members.fail("cursor", "must have no NUL, which could not be handed back in JOBRUN_CURSOR");
      }
      return;
    case ChannelOp::item_done:
    case ChannelOp::item_is_done:
      request.item = members.name("item", 1);
      return;
    case ChannelOp::intend:
      return read_intent(members, request);
    case ChannelOp::confirm:
      read_key(members, request);
      request.result = members.text("result", 0, result_limit, false);
      return;
    case ChannelOp::release:
    case ChannelOp::doubt:
      return read_key(members, request);
    case ChannelOp::progress:
      request.message = members.text("message", 0, message_limit, false);
      request.fraction = members.fraction("fraction");
      return;
    case ChannelOp::result:
      return read_result(members, request);
  }
  std::abort();
}

void set_unless_empty(Json& json, std::string name, const std::string& value) {
  if (!value.empty()) json.set(std::move(name), value);
}

// Cut here rather than refused there: a verdict or a confirmation matters more than its last words.
void set_text(Json& json, std::string name, const std::string& value, std::size_t limit) {
  set_unless_empty(json, std::move(name), clip(to_utf8(value), limit));
}

void write_result(Json& json, const Verdict& verdict) {
  json.set("verdict", word_of(verdict.kind));
  json.set("reason", verdict.reason);
  set_text(json, "message", verdict.message, message_limit);
  if (verdict.pause) json.set("pause", true);
  if (verdict.retry_after) json.set("retry_after", format_duration(*verdict.retry_after));
}

}  // namespace

std::string_view word_of(ChannelOp op) {
  switch (op) {
    case ChannelOp::hello:
      return "hello";
    case ChannelOp::cursor:
      return "cursor";
    case ChannelOp::checkpoint:
      return "checkpoint";
    case ChannelOp::item_done:
      return "item_done";
    case ChannelOp::item_is_done:
      return "item_is_done";
    case ChannelOp::intend:
      return "intend";
    case ChannelOp::confirm:
      return "confirm";
    case ChannelOp::release:
      return "release";
    case ChannelOp::doubt:
      return "doubt";
    case ChannelOp::progress:
      return "progress";
    case ChannelOp::result:
      return "result";
  }
  std::abort();
}

Result<ChannelRequest> parse_request(std::string_view line, std::int64_t& id) {
  if (line.size() > channel_line_limit) {
    return bad("a request has at most " + std::to_string(channel_line_limit) + " bytes");
  }
  const auto json = Json::parse(line);
  if (!json) return bad("the request is not JSON: " + json.error().what());
  if (!json->is_object()) return bad("a request is an object, not " + std::string(json->kind_phrase()));

  const Json& number = json->at("id");
  if (!number.is_integer() || number.as_integer() < 0) return bad("id: must be an integer from 0 up");
  ChannelRequest request;
  request.id = id = number.as_integer();

  const Json& word = json->at("op");
  if (!word.is_string()) return bad(word.is_null() ? "op: is missing" : "op: must be a string");
  bool known = false;
  std::vector<std::string> words;
  for (const ChannelOp op : channel_ops) {
    words.emplace_back(word_of(op));
    if (word_of(op) != word.as_string()) continue;
    request.op = op;
    known = true;
  }
  if (!known) {
    return bad("op: " + in_quotes(word.as_string()) + " is none of " + join(words, ", "));
  }

  MemberReader members(*json);
  read_members(members, request);
  if (members.fault()) return members.fault()->during(word_of(request.op));
  return request;
}

std::string encode(const ChannelRequest& request) {
  Json json = Json::object();
  json.set("id", request.id);
  json.set("op", word_of(request.op));
  const auto set_key = [&] {
    json.set("key", request.key);
    set_unless_empty(json, "scope", request.scope);
  };
  switch (request.op) {
    case ChannelOp::hello:
      json.set("version", channel_version);
      json.set("run_id", request.run_id);
      json.set("unit", request.unit);
      json.set("attempt", request.attempt);
      break;
    case ChannelOp::checkpoint:
      json.set("cursor", request.cursor);
      json.set("stream", request.stream);
      break;
    case ChannelOp::cursor:
      json.set("stream", request.stream);
      break;
    case ChannelOp::item_done:
    case ChannelOp::item_is_done:
      json.set("item", request.item);
      break;
    case ChannelOp::intend:
      set_key();
      set_unless_empty(json, "fingerprint", request.fingerprint);
      json.set("if_in_doubt", word_of(request.policy));
      json.set("token_ttl", format_duration(request.token_ttl));
      break;
    case ChannelOp::confirm:
      set_key();
      set_text(json, "result", request.result, result_limit);
      break;
    case ChannelOp::release:
    case ChannelOp::doubt:
      set_key();
      break;
    case ChannelOp::progress:
      set_text(json, "message", request.message, message_limit);
      if (request.fraction) json.set("fraction", *request.fraction);
      break;
    case ChannelOp::result:
      write_result(json, request.verdict);
      break;
  }
  return json.dump() + "\n";
}

std::string ok_reply(std::int64_t id, const Json& members) {
  Json reply = Json::object();
  reply.set("id", id);
  reply.set("ok", true);
  for (const auto& [name, value] : members.members()) reply.set(name, value);
  return reply.dump() + "\n";
}

Result<Json> parse_reply(std::string_view line) {
  auto reply = Json::parse(line);
  if (!reply) return Error(Fault::internal, "jobrun's reply: " + reply.error().what());
  if (reply->at("ok").as_bool()) return reply;
  const Json& error = reply->at("error");
  const std::string& code = error.at("code").as_string();
  const Fault fault = code == "conflict" ? Fault::conflict
                      : code == "busy"   ? Fault::busy
                      // the attempt that it works for has ended
                      : code == "no_such_attempt" ? Fault::gone
                                                  : Fault::usage;
  return Error(fault, error.at("message").as_string());
}

std::string error_reply(std::int64_t id, std::string_view code, std::string_view message) {
  Json error = Json::object();
  error.set("code", code);
  error.set("message", message);
  Json reply = Json::object();
  reply.set("id", id);
  reply.set("ok", false);
  reply.set("error", std::move(error));
  return reply.dump() + "\n";
}

}  // namespace jobrun
