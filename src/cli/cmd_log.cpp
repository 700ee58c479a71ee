// jobrun log RUN: what the attempts of a run wrote, followed live with -f.
#include <poll.h>
#include <unistd.h>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/log_view.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

constexpr int look_every_ms = 200;

Result<LogRequest> request_from(const Session& session) {
  LogRequest request;
  request.units = session.args.values("--unit");
  request.follow = session.args.has("--follow");
  if (session.args.has("--attempt")) {
    const std::string word = session.args.value("--attempt");
    const auto number = parse_integer(word, 1, 1'000'000'000);
    if (!number)
      return usage_error("--attempt: \"" + printable(word) + "\" is not an attempt's number",
                         "`jobrun show RUN` has them");
    request.attempt = static_cast<int>(*number);
  }
  if (session.json() && session.args.has("--raw"))
    return usage_error("--json and --raw exclude each other", "leave one out");
  return request;
}

Result<void> check_units(Ledger& ledger, const Run& run, const LogRequest& request) {
  for (const auto& name : request.units)
    if (auto unit = unit_named(ledger, run, name); !unit) return unit.error();
  return {};
}

/// False when whoever read us is gone: a follower that is quiet would not find out by writing.
bool wait_for_more() {
  pollfd out = {STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, look_every_ms) <= 0 || (out.revents & POLLERR) == 0;
}

}  // namespace

Result<Exit> cmd_log(const Session& session) {
  auto request = request_from(session);
  if (!request) return request.error();
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  auto run = run_named(ledger, session.args.words().front());
  if (!run) return run.error();
  if (auto known = check_units(ledger, *run, *request); !known) return known.error();

  const bool lead = request->follow && request->units.size() != 1 && run->counts.total() > 1;
  const auto form = session.json()              ? LogView::Form::json
                    : session.args.has("--raw") ? LogView::Form::raw
                                                : LogView::Form::text;
  LogView view(run->run_id, form, lead);
  RunLog log(ledger, *run, std::move(*request));
  bool any = false;
  std::string told;  // until when we said that we wait
  while (true) {
    auto piece = log.next();
    if (!piece) return piece.error();
    if (*piece) {
      any = true;
      if (!write_out(view.shown(**piece))) return Exit::done;  // the reader has seen enough
      if ((*piece)->cut_off && (*piece)->kind == LogPiece::Kind::ends)
        print_err(
            fmt::format("jobrun: {} was cut off: its jobrun (pid {}) is gone; the same call again, or "
                        "`jobrun tick`, goes on\n",
                        printable(view.name_of(**piece)), (*piece)->attempt.pid));
      continue;
    }
    if (log.is_over()) break;
    auto until = log.is_live() ? Result<std::string>(told) : log.waits_until();
    if (!until) return until.error();
    if (*until != told) print_err(fmt::format("jobrun: no attempt runs; next: from {} on\n", *until));
    told = std::move(*until);
    if (!wait_for_more()) return Exit::done;
    if (auto looked = log.look_again(); !looked) return looked.error();
  }
  if (!any) print_err(fmt::format("jobrun: run {} has no such attempt so far\n", run->run_id));
  return Exit::done;
}

}  // namespace jobrun
