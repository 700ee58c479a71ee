// jobrun check: one line and a code for a monitor, OK 0, WARNING 1, CRITICAL 2 or UNKNOWN 3, always on
// standard output.
#include "base/text.hpp"
#include "cli/check_view.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

Result<Exit> checked(const Session& session) {
  std::optional<Span> max_age;
  if (session.args.has("--max-age")) {
    auto span = parse_duration(session.args.value("--max-age"));
    if (!span) return span.error().during("--max-age");
    max_age = *span;
  }
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  const Instant now = session.clock.wall();
  const std::string job = session.args.words().empty() ? "" : session.args.words().front();
  auto vigil = watch(**opened, session.places.jobs, job, max_age, now);
  if (!vigil) return vigil.error();
  print_out(session.json() ? check_json(*vigil, job, now).dump() + "\n" : check_text(*vigil, job, now));
  return static_cast<Exit>(status_of(*vigil));
}

}  // namespace

Exit check_unknown(const Error& error, bool json) {
  print_out(json ? unknown_json(error).dump() + "\n" : unknown_text(error));
  return static_cast<Exit>(CheckStatus::unknown);
}

Result<Exit> cmd_check(const Session& session) {
  auto answer = checked(session);
  return answer ? *answer : check_unknown(answer.error(), session.json());
}

}  // namespace jobrun
