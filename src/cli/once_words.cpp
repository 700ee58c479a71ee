#include "cli/once_words.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "run/context.hpp"

namespace jobrun {

namespace {

Result<std::vector<std::pair<int, int>>> exit_list(const std::string& text) {
  std::vector<std::pair<int, int>> list;
  for (const std::string_view word : split(text, ',')) {
    const auto dash = word.find('-');
    const auto first = parse_integer(word.substr(0, dash), 1, 255);
    const auto last = dash == std::string_view::npos ? first : parse_integer(word.substr(dash + 1), 1, 255);
    if (!first || !last || *last < *first)
      return usage_error(
          "--doubtful-exit: \"" + printable(word) + "\" is no exit code from 1 to 255 and no range of them",
          "for example --doubtful-exit 28,52-56");
    list.emplace_back(static_cast<int>(*first), static_cast<int>(*last));
  }
  return list;
}

/// What was asked for, so that another request under the same key is noticed. NUL stands in no argument.
std::string fingerprint_of(const std::vector<std::string>& command) {
  return sha256_hex(join(command, std::string_view("\0", 1)));
}

}  // namespace

bool OnceWords::is_doubtful(int exit_code) const {
  return std::any_of(doubtful_exits.begin(), doubtful_exits.end(), [&](const auto& range) {
    return exit_code >= range.first && exit_code <= range.second;
  });
}

Result<OnceWords> once_words(const Session& session) {
  const Args& args = session.args;
  OnceWords words;
  ChannelRequest& request = words.request;
  request.op = ChannelOp::intend;
  request.key = args.words().front();
  if (auto good = check_effect_key(request.key); !good) return good.error();
  words.command = args.command();
  if (words.command.empty() || words.command.front().empty())
    return usage_error("once: no command", "jobrun once KEY -- COMMAND...; what stands behind -- is run");
  request.fingerprint =
      args.has("--fingerprint") ? args.value("--fingerprint") : fingerprint_of(words.command);
  if (!is_plain_text(request.fingerprint) || request.fingerprint.size() > 255)
    return usage_error("--fingerprint: not 0 to 255 bytes of UTF-8 without control characters",
                       "a hash is a good one");
  if (args.has("--if-in-doubt")) {
    const auto policy = if_in_doubt(args.value("--if-in-doubt"));
    if (!policy)
      return usage_error(
          "--if-in-doubt: \"" + printable(args.value("--if-in-doubt")) + "\" is none of stop, resend, probe",
          "stop asks a person, resend sends the same token again, probe asks --probe CMD");
    request.policy = *policy;
  }
  words.probe = args.value("--probe");
  if (!words.probe.empty() && !args.has("--if-in-doubt")) request.policy = IfInDoubt::probe;
  if ((request.policy == IfInDoubt::probe) != !words.probe.empty())
    return usage_error("--if-in-doubt probe and --probe CMD go together",
                       "the probe exits 0 if it happened and 1 if it did not");
  if (args.has("--token-ttl")) {
    auto ttl = parse_duration(args.value("--token-ttl"));
    if (!ttl) return ttl.error().during("--token-ttl");
    request.token_ttl = *ttl;
  }
  if (args.has("--timeout")) {
    auto timeout = parse_duration(args.value("--timeout"));
    if (!timeout) return timeout.error().during("--timeout");
    words.timeout = *timeout;
  }
  if (args.has("--doubtful-exit")) {
    auto list = exit_list(args.value("--doubtful-exit"));
    if (!list) return list.error();
    words.doubtful_exits = std::move(*list);
  }
  request.scope = args.value("--scope");
  if (!is_plain_text(request.scope) || request.scope.size() > 255)
    return usage_error("--scope: not a name of 1 to 255 bytes without control characters",
                       "a word that several jobs share");
  words.job = args.value("--job");
  if (is_inside(session) && !words.job.empty())
    return usage_error("--job is for calls by hand: this run's job is known",
                       "leave it out, or name a --scope that jobs share");
  if (!is_inside(session) && words.job.empty())
    return usage_error("once: this is not inside of a run",
                       "by hand it needs --job JOB, whose effects it counts among");
  if (!words.job.empty()) {
    if (auto good = check_job_name(words.job); !good) return good.error().during("--job");
  }
  const std::string job = words.job.empty() ? value_of(session.environment, "JOBRUN_JOB") : words.job;
  words.scope = request.scope.empty() ? job : request.scope;
  return words;
}

Result<EffectDesk> EffectDesk::open(const Session& session, const OnceWords& words) {
  EffectDesk desk(session.clock);
  if (is_inside(session)) {
    auto channel = channel_of(session);
    if (!channel) return channel.error();
    desk.channel_ = std::make_unique<ChannelClient>(std::move(*channel));
    return desk;
  }
  auto places = find_places(session.args.value("--ledger"), "/", session.environment);
  if (!places) return places.error();
  auto ledger = Ledger::open(places->ledger, Ledger::Purpose::run);
  if (!ledger) return ledger.error();
  desk.ledger_ = std::make_unique<Ledger>(std::move(*ledger));
  if (auto room = desk.ledger_->ensure_ballast(); !room) return room.error();
  auto lease = lease_effect(*desk.ledger_, words.scope, words.request.key);
  if (!lease) return lease.error();
  if (!*lease)
    return Error(
        Fault::busy,
        "effect " + printable(words.request.key) + " is being acted on by another process at this moment",
        "call again when it has ended");
  desk.lease_ = std::move(**lease);
  desk.job_ = words.job;
  return desk;
}

Result<Json> EffectDesk::ask(const ChannelRequest& request) {
  if (channel_) return channel_->ask(request);
  Run run;
  run.job = job_;
  const Unit nobody;
  std::string line;
  auto written = ledger_->write([&]() -> Result<void> {
    auto answered = answer(*ledger_, {run, nobody}, request, clock_->wall());
    if (!answered) return answered.error();
    line = std::move(answered->line);
    return {};
  });
  if (!written) return written.error();
  return parse_reply(line);
}

}  // namespace jobrun
