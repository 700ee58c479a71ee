// jobrun pause and resume: who is kept out of runs.
#include <algorithm>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "contract/envelope.hpp"
#include "ledger/effects.hpp"
#include "run/matters.hpp"
#include "run/next_step.hpp"

namespace jobrun {

Result<Exit> cmd_pause(const Session& session) {
  const Args& args = session.args;
  const std::string& job = args.words().front();
  if (auto named = check_job_name(job); !named) return named.error();
  if (trim(args.value("--reason")).empty())
    return usage_error("pause needs --reason TEXT", "say why; it is shown wherever the pause is");
  Pause pause;
  pause.job = job;
  pause.reason = printable(args.value("--reason"));
  if (args.has("--until")) {
    auto until = parse_instant(args.value("--until"));
    if (!until) return until.error().during("--until");
    if (*until <= session.clock.wall())
      return usage_error("--until: " + args.value("--until") + " has passed", "name a time to come");
    pause.until = format_instant(*until);
  }
  const auto units = args.values("--unit");
  for (const auto& unit : units)
    if (auto named = check_unit_id(unit); !named) return named.error().during("--unit");
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  if (auto known = check_known_job(session, ledger, job); !known) return known.error();
  auto written = ledger.write([&]() -> Result<void> {
    if (units.empty()) return add_pause(ledger, pause, session.clock.wall());
    for (const auto& unit : units) {
      pause.unit = unit;
      if (auto added = add_pause(ledger, pause, session.clock.wall()); !added) return added;
    }
    return {};
  });
  if (!written) return written.error();
  for (const auto& unit : units)
    if (auto said = warn_of_new_unit(session, ledger, job, unit); !said) return said.error();
  const std::string whom = units.empty() ? job : fmt::format("{} {}", job, printable(join(units, ", ")));
  print_out(fmt::format("{} is paused{}; `jobrun resume {}` ends it\n", whom,
                        pause.until ? " until " + *pause.until : "", job));
  return Exit::done;
}

namespace {

/// A matter names its first few units only: where it has more, the rest may be among them.
bool concerns(const Matter& matter, const std::vector<std::string>& units) {
  return units.empty() || static_cast<std::size_t>(matter.count) > matter.units.size() ||
         std::any_of(units.begin(), units.end(), [&](const auto& unit) {
           return std::find(matter.units.begin(), matter.units.end(), unit) != matter.units.end();
         });
}

}  // namespace

Result<Exit> cmd_resume(const Session& session) {
  const std::string& job = session.args.words().front();
  if (auto named = check_job_name(job); !named) return named.error();
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  if (auto known = check_known_job(session, ledger, job); !known) return known.error();
  std::int64_t ended = 0;
  const auto units = session.args.values("--unit");
  auto written = ledger.write([&]() -> Result<void> {
    ended = 0;
    std::vector<std::optional<std::string>> whom(units.begin(), units.end());
    if (whom.empty()) whom.push_back(std::nullopt);
    for (const auto& unit : whom) {
      auto count = end_pauses(ledger, job, unit, session.clock.wall());
      if (!count) return count.error();
      ended += *count;
    }
    return {};
  });
  if (!written) return written.error();
  const std::string whom = units.empty() ? job : fmt::format("{} {}", job, printable(join(units, ", ")));
  if (ended == 0) {
    auto left = pauses(ledger, job, session.clock.wall());
    if (!left) return left.error();
    const auto all = std::find_if(left->begin(), left->end(), [](const Pause& pause) { return !pause.unit; });
    print_out(whom + " was not paused" +
              (all == left->end() ? "" : fmt::format("; all of {} is: {}", job, next_step(*all))) + "\n");
    return Exit::done;
  }
  std::string text = fmt::format("{} is resumed ({} pause{} ended)\n", whom, ended, ended == 1 ? "" : "s");
  auto matters = matters_of(ledger, job, session.clock.wall());
  if (!matters) return matters.error();
  for (const Matter& matter : *matters)
    if (matter.kind == "unit" && concerns(matter, units))
      text += fmt::format("  for {} it is {}: mended, `{}` brings it back\n", matter.run_date, matter.state,
                          retry_command(job, matter.run_date, matter.count == 1 ? matter.unit : "-"));
  print_out(text);
  return Exit::done;
}

}  // namespace jobrun
