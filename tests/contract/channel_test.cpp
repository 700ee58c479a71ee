#include "contract/channel.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

ChannelRequest parsed(std::string_view line) {
  std::int64_t id = -1;
  auto request = parse_request(line, id);
  if (!request) FAIL(request.error().what());
  CHECK(id == request->id);
  return *request;
}

// What the client writes, jobrun reads as the same request.
ChannelRequest there(const ChannelRequest& request) {
  const std::string line = encode(request);
  CHECK(line.back() == '\n');
  CHECK(line.find('\n') == line.size() - 1);
  return parsed(line);
}

}  // namespace

TEST_CASE("a request names its op by a fixed word") {
  const std::pair<ChannelOp, const char*> rows[] = {{ChannelOp::hello, "hello"},
                                                    {ChannelOp::cursor, "cursor"},
                                                    {ChannelOp::checkpoint, "checkpoint"},
                                                    {ChannelOp::item_done, "item_done"},
                                                    {ChannelOp::item_is_done, "item_is_done"},
                                                    {ChannelOp::intend, "intend"},
                                                    {ChannelOp::confirm, "confirm"},
                                                    {ChannelOp::release, "release"},
                                                    {ChannelOp::doubt, "doubt"},
                                                    {ChannelOp::progress, "progress"},
                                                    {ChannelOp::result, "result"}};
  for (const auto& [op, word] : rows) CHECK(word_of(op) == word);
}

TEST_CASE("requests as the manual shows them are understood") {
  ChannelRequest request = parsed(
      R"({"id":1,"op":"hello","version":1,"run_id":"invoice_sync:2026-04-12","unit":"customer_37","attempt":2})");
  CHECK(request.id == 1);
  CHECK(request.op == ChannelOp::hello);
  CHECK(request.run_id == "invoice_sync:2026-04-12");
  CHECK(request.unit == "customer_37");
  CHECK(request.attempt == 2);

  request = parsed(R"({"id":7,"op":"checkpoint","cursor":"in_42","stream":"invoices"})");
  CHECK(request.cursor == "in_42");
  CHECK(request.stream == "invoices");

  request = parsed(R"({"id":8,"op":"cursor"})");
  CHECK(request.stream == "-");

  request = parsed(R"({"id":9,"op":"intend","key":"mail-42"})");
  CHECK(request.key == "mail-42");
  CHECK(request.scope.empty());
  CHECK(request.policy == IfInDoubt::stop);
  CHECK(request.token_ttl == 24h);

  request = parsed(R"({"id":10,"op":"result","verdict":"done"})");
  CHECK(request.verdict.kind == VerdictKind::done);
  CHECK(request.verdict.reason == "ok");

  request = parsed(R"({"id":11,"op":"progress","message":"page 3","fraction":1})");
  CHECK(request.message == "page 3");
  CHECK(request.fraction == 1.0);
}

TEST_CASE("a request arrives as it was written") {
  ChannelRequest request;
  request.id = 42;
  request.op = ChannelOp::hello;
  request.run_id = "job:2026-04-12";
  request.unit = "caf\xc3\xa9";
  request.attempt = 3;
  ChannelRequest read = there(request);
  CHECK(read.id == 42);
  CHECK(read.run_id == request.run_id);
  CHECK(read.unit == request.unit);
  CHECK(read.attempt == 3);

  request = {};
  request.op = ChannelOp::checkpoint;
  request.cursor = "line 1\nline 2\x1b";
  request.stream = "s";
  read = there(request);
  CHECK(read.cursor == request.cursor);
  CHECK(read.stream == "s");

  for (const ChannelOp op : {ChannelOp::item_done, ChannelOp::item_is_done}) {
    request = {};
    request.op = op;
    request.item = "row 7";
    read = there(request);
    CHECK(read.op == op);
    CHECK(read.item == "row 7");
  }

  request = {};
  request.op = ChannelOp::intend;
  request.key = "mail-42";
  request.scope = "mail";
  request.fingerprint = "abc";
  request.policy = IfInDoubt::resend;
  request.token_ttl = 90min;
  read = there(request);
  CHECK(read.key == "mail-42");
  CHECK(read.scope == "mail");
  CHECK(read.fingerprint == "abc");
  CHECK(read.policy == IfInDoubt::resend);
  CHECK(read.token_ttl == 90min);

  request.op = ChannelOp::confirm;
  request.result = "sent\n";
  read = there(request);
  CHECK(read.op == ChannelOp::confirm);
  CHECK(read.result == "sent\n");
  CHECK(read.scope == "mail");

  for (const ChannelOp op : {ChannelOp::release, ChannelOp::doubt}) {
    request.op = op;
    read = there(request);
    CHECK(read.op == op);
    CHECK(read.key == "mail-42");
  }

  request = {};
  request.op = ChannelOp::progress;
  request.message = "page 3";
  request.fraction = 0.25;
  read = there(request);
  CHECK(read.message == "page 3");
  CHECK(read.fraction == 0.25);

  request = {};
  request.op = ChannelOp::result;
  request.verdict = Verdict::retry("rate_limited", "asked to wait", 1500ms);
  read = there(request);
  CHECK(read.verdict.kind == VerdictKind::retry);
  CHECK(read.verdict.reason == "rate_limited");
  CHECK(read.verdict.message == "asked to wait");
  CHECK(read.verdict.retry_after == Span(1500ms));
  request.verdict = Verdict::stop("bad", "", true);
  read = there(request);
  CHECK(read.verdict.kind == VerdictKind::stop);
  CHECK(read.verdict.pause);
}

TEST_CASE("a verdict arrives even if its message is too long or not UTF-8") {
  ChannelRequest request;
  request.op = ChannelOp::result;
  request.verdict = Verdict::stop("bad", std::string(100'000, 'x') + "\xff");
  CHECK(there(request).verdict.message.size() <= 4096);
  request.verdict.message = "\xff!";
  CHECK(there(request).verdict.message == "\xef\xbf\xbd!");
  request.verdict.message = std::string(4096, '\xff');  // three bytes each once they are replaced
  CHECK(there(request).verdict.kind == VerdictKind::stop);
  request.op = ChannelOp::progress;
  request.message = std::string(100'000, 'x');
  CHECK(there(request).message.size() <= 4096);
}

TEST_CASE("a confirmation arrives even if its result is too long or not UTF-8") {
  ChannelRequest request;
  request.op = ChannelOp::confirm;
  request.key = "k";
  request.result = std::string(64 * 1024, '\xff');
  const ChannelRequest read = there(request);
  CHECK(read.result.size() <= 64 * 1024);
  CHECK(read.result.substr(read.result.size() - 3) == "...");
}

TEST_CASE("unknown members of a request are ignored, so that clients can be newer") {
  CHECK(parsed(R"({"id":1,"op":"cursor","colour":"red","cursor":5})").op == ChannelOp::cursor);
}

TEST_CASE("null is as good as absent where a member may be left out") {
  const ChannelRequest request = parsed(R"({"id":1,"op":"progress","message":null,"fraction":null})");
  CHECK(request.message.empty());
  CHECK_FALSE(request.fraction);
}

TEST_CASE("a wrong request is refused with what is wrong") {
  const std::string long_name(256, 'x');
  struct Row {
    std::string line;
    const char* message;
  };
  const Row rows[] = {
      {"", "not JSON"},
      {"[]", "a request is an object, not an array"},
      {"{}", "id:"},
      {R"({"id":"1","op":"cursor"})", "id:"},
      {R"({"id":-1,"op":"cursor"})", "id:"},
      {R"({"id":1.5,"op":"cursor"})", "id:"},
      {R"({"id":1})", "op: is missing"},
      {R"({"id":1,"op":5})", "op: must be a string"},
      {R"({"id":1,"op":"save"})",
       "hello, cursor, checkpoint, item_done, item_is_done, intend, confirm, release, doubt, "
       "progress, result"},
      {R"({"id":1,"id":2,"op":"cursor"})", "not JSON"},
      {R"({"id":1,"op":"hello","run_id":"a","unit":"-","attempt":1})", "hello: version: is missing"},
      {R"({"id":1,"op":"hello","version":2,"run_id":"a","unit":"-","attempt":1})",
       "jobrun speaks version 1 of the channel, the peer version 2"},
      {R"({"id":1,"op":"hello","version":1,"unit":"-","attempt":1})", "run_id: is missing"},
      {R"({"id":1,"op":"hello","version":1,"run_id":"a b","unit":"-","attempt":1})", "run_id:"},
      {R"({"id":1,"op":"hello","version":1,"run_id":"a","unit":"\n","attempt":1})", "unit:"},
      {R"({"id":1,"op":"hello","version":1,"run_id":"a","unit":"-","attempt":0})", "attempt:"},
      {R"({"id":1,"op":"hello","version":1,"run_id":"a","unit":"-","attempt":"1"})", "attempt:"},
      {R"({"id":1,"op":"checkpoint"})", "cursor: is missing"},
      {R"({"id":1,"op":"checkpoint","cursor":5})", "cursor: must be a string, not"},
      {R"({"id":1,"op":"checkpoint","cursor":"a\u0000b"})", "NUL"},
      {R"({"id":1,"op":"checkpoint","cursor":"a","stream":""})", "stream:"},
      {R"({"id":1,"op":"checkpoint","cursor":"a","stream":"b\n"})",
       "stream: must have no control characters"},
      {R"({"id":1,"op":"cursor","stream":")" + long_name + R"("})", "stream: has 256 bytes"},
      {R"({"id":1,"op":"item_done"})", "item: is missing"},
      {R"({"id":1,"op":"item_done","item":""})", "item: has 0 bytes, allowed are 1 to 255"},
      {R"({"id":1,"op":"item_is_done","item":")" + long_name + R"("})", "item: has 256 bytes"},
      {R"({"id":1,"op":"intend"})", "key: is missing"},
      {R"({"id":1,"op":"intend","key":"a\tb"})", "key:"},
      {R"({"id":1,"op":"intend","key":"a","scope":5})", "scope: must be a string"},
      {R"({"id":1,"op":"intend","key":"a","if_in_doubt":"retry"})", "none of stop, resend, probe"},
      {R"({"id":1,"op":"intend","key":"a","token_ttl":5})", "token_ttl: must be a string"},
      {R"({"id":1,"op":"intend","key":"a","token_ttl":"a day"})", "token_ttl: \"a day\" is not a duration"},
      {R"({"id":1,"op":"confirm","result":"x"})", "key: is missing"},
      {R"({"id":1,"op":"release"})", "key: is missing"},
      {R"({"id":1,"op":"doubt","key":7})", "key: must be a string"},
      {R"({"id":1,"op":"progress","fraction":1.01})", "fraction: must be a number from 0 to 1"},
      {R"({"id":1,"op":"progress","fraction":"half"})", "fraction:"},
      {R"({"id":1,"op":"result"})", "verdict: is missing"},
      {R"({"id":1,"op":"result","verdict":"failed"})", "none of done, retry, stop"},
      {R"({"id":1,"op":"result","verdict":"stop"})", "reason: is missing"},
      {R"({"id":1,"op":"result","verdict":"stop","reason":"Bad Token"})", "reason: is not a reason code"},
      {R"({"id":1,"op":"result","verdict":"retry","reason":"a","pause":true})", "pause: goes with"},
      {R"({"id":1,"op":"result","verdict":"stop","reason":"a","pause":"yes"})",
       "pause: must be true or false"},
      {R"({"id":1,"op":"result","verdict":"stop","reason":"a","retry_after":"5s"})",
       "retry_after: goes with"},
      {R"({"id":1,"op":"result","verdict":"retry","reason":"a","retry_after":"-5s"})", "retry_after:"},
      {R"({"id":1,"op":"result","verdict":"retry","reason":"a","message":")" + std::string(4097, 'x') +
           R"("})",
       "message: has 4097 bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line.substr(0, 120));
    std::int64_t id = -1;
    const auto request = parse_request(row.line, id);
    REQUIRE_FALSE(request);
    CHECK(request.error().fault() == Fault::usage);
    if (!contains(request.error().what(), row.message))
      FAIL_CHECK(request.error().what() << " // " << row.message);
  }
}

TEST_CASE("the id of a wrong request is told as far as it could be read") {
  std::int64_t id = -1;
  CHECK_FALSE(parse_request(R"({"id":7,"op":"save"})", id));
  CHECK(id == 7);
  id = -1;
  CHECK_FALSE(parse_request(R"({"op":"cursor"})", id));
  CHECK(id == -1);
}

TEST_CASE("cursors, results and lines have limits") {
  std::int64_t id = 0;
  const auto checkpoint = [](std::size_t size) {
    return R"({"id":1,"op":"checkpoint","cursor":")" + std::string(size, 'x') + R"("})";
  };
  CHECK(parse_request(checkpoint(64 * 1024), id));
  CHECK(contains(parse_request(checkpoint(64 * 1024 + 1), id).error().what(), "cursor: has 65537 bytes"));
  const auto confirm = [](std::size_t size) {
    return R"({"id":1,"op":"confirm","key":"k","result":")" + std::string(size, 'x') + R"("})";
  };
  CHECK(parse_request(confirm(64 * 1024), id));
  CHECK_FALSE(parse_request(confirm(64 * 1024 + 1), id));
  CHECK_FALSE(parse_request(std::string(channel_line_limit + 1, ' '), id));
}

TEST_CASE("a reply is one line with the request's id") {
  CHECK(ok_reply(7) == "{\"id\":7,\"ok\":true}\n");
  Json members = Json::object();
  members.set("cursor", "in_42");
  CHECK(ok_reply(8, members) == "{\"id\":8,\"ok\":true,\"cursor\":\"in_42\"}\n");
  CHECK(error_reply(9, "conflict", "other arguments\n") ==
        "{\"id\":9,\"ok\":false,\"error\":{\"code\":\"conflict\",\"message\":\"other arguments\\n\"}}\n");
}
