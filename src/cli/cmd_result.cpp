// jobrun result VERDICT: a job's own word on how the attempt ends.
#include "base/text.hpp"
#include "cli/inside.hpp"

namespace jobrun {

Result<Exit> cmd_result(const Session& session) {
  const Args& args = session.args;
  ChannelRequest request;
  request.op = ChannelOp::result;
  Verdict& verdict = request.verdict;
  const auto kind = verdict_kind(args.words().front());
  if (!kind)
    return usage_error("result: \"" + printable(args.words().front()) + "\" is none of done, retry, stop",
                       "for example jobrun result stop --reason no_such_account --message TEXT");
  verdict.kind = *kind;
  verdict.reason = args.has("--reason") ? args.value("--reason") : *kind == VerdictKind::done ? "ok" : "";
  if (verdict.reason.empty())
    return usage_error("result " + args.words().front() + " needs --reason CODE",
                       "one word that a program can look for, such as rate_limited");
  if (!is_reason(verdict.reason))
    return usage_error("--reason: \"" + printable(verdict.reason) + "\" is not a reason code",
                       "1 to 64 of a-z 0-9 _ and the dot, such as rate_limited");
  verdict.message = args.value("--message");
  verdict.pause = args.has("--pause");
  if (verdict.pause && *kind != VerdictKind::stop)
    return usage_error("--pause goes with stop only", "leave it out");
  if (args.has("--retry-after")) {
    if (*kind != VerdictKind::retry) return usage_error("--retry-after goes with retry only", "leave it out");
    auto wait = parse_duration(args.value("--retry-after"));
    if (!wait) return wait.error().during("--retry-after");
    verdict.retry_after = *wait;
  }
  if (auto told = ask_jobrun(session, request); !told) return told.error().during("result");
  return Exit::done;
}

}  // namespace jobrun
