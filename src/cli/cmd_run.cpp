// jobrun JOB --run-date D: the main call.
#include <signal.h>
#include <unistd.h>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "handler/stop_signals.hpp"

namespace jobrun {

namespace {

Result<RunRequest> request_from(const Session& session) {
  const Args& args = session.args;
  RunRequest request;
  request.job = args.words().front();
  if (auto named = check_job_name(request.job); !named) return named.error();
  auto date = run_date_word(session, request.job);
  if (!date) return date.error();
  request.run_date = std::move(*date);
  request.run_id = args.value("--run-id");
  if (args.has("--run-id")) {
    if (auto named = check_run_id(request.run_id); !named) return named.error();
  }
  if (args.has("--scheduled-at")) {
    auto at = parse_instant(args.value("--scheduled-at"));
    if (!at) return at.error().during("--scheduled-at");
    request.scheduled_at = *at;
  }
  if (args.has("--payload")) {
    auto payload = payload_word(args.value("--payload"));
    if (!payload) return payload.error().during("--payload");
    request.payload = std::move(*payload);
  }
  request.again = args.has("--again");
  request.reason = args.value("--reason");
  request.only_retry = args.has("--only-retry");
  if (request.again && trim(request.reason).empty())
    return usage_error("--again needs --reason TEXT", "say why the run is done once more");
  if (!request.again && args.has("--reason"))
    return usage_error("--reason goes with --again", "leave it out, or add --again");
  if (request.again && request.only_retry)
    return usage_error("--again and --only-retry exclude each other", "leave one out");
  if (auto words = unit_words(session, request); !words) return words.error();
  return request;
}

}  // namespace

Result<Exit> cmd_run(const Session& session) {
  hold_stop_signals();
  auto request = request_from(session);
  if (!request) return request.error();
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  const Call call = {
      request->run_id.empty() ? derived_run_id(request->job, request->run_date) : request->run_id,
      {},
      {},
      {},
      {},
      0};
  RunScreen screen(session.log, session.quiet());
  World world{session.clock, ledger, screen, session.environment, call};
  if (value_of(session.environment, "JOBRUN_PREFLIGHT") == "1")
    world.ends_at = static_cast<int>(
        parse_integer(value_of(session.environment, "JOBRUN_PREFLIGHT_END"), 0, 1'000'000).value_or(0));
  return bring_on_and_print(session, world, screen, *request, session.args.has("--dry-run"));
}

}  // namespace jobrun
