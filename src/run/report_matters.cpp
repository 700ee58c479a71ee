// What needs a person, as few matters as there are causes.
#include <algorithm>
#include <map>
#include <tuple>

#include "base/format.hpp"
#include "run/next_step.hpp"
#include "run/report.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_names = 5;

ReportMatter first_of(const Attention& row) {
  ReportMatter matter;
  matter.kind = row.kind;
  matter.job = row.job;
  matter.run_date = row.run_date;
  matter.state = row.state;
  matter.reason = row.reason;
  matter.message = row.message;
  matter.next_action = row.next_action;
  matter.since = row.since;
  matter.count = 0;
  if (row.kind == "pause")
    matter.next_action = fmt::format("`jobrun resume {}{}`", row.job,
                                     row.unit == "(all)" ? "" : " --unit " + shell_quoted(row.unit));
  return matter;
}

/// The step for several at once: the rows' own steps name one unit each.
std::string step_for_all(const ReportMatter& matter) {
  if (matter.kind == "effect" || matter.state == "in_doubt")
    return "find out whether each happened: `jobrun effects` lists them";
  if (matter.kind == "pause") return fmt::format("`jobrun status {}` lists them", matter.job);
  if (matter.kind == "alert") return matter.next_action;
  return fmt::format("mend the cause, then `jobrun retry {} --run-date {}`", matter.job,
                     shell_quoted(matter.run_date));
}

/// The same trouble night after night is one matter: the latest, and how many run dates before it had it too.
void fold_earlier(std::vector<ReportMatter>& matters) {
  std::map<std::tuple<std::string, std::string, std::string, std::vector<std::string>>, std::size_t> places;
  std::vector<ReportMatter> folded;
  for (auto& matter : matters) {
    const auto [place, is_new] =
        places.try_emplace({matter.job, matter.state, matter.reason, matter.units}, folded.size());
    if (is_new || matter.kind != "unit") {
      folded.push_back(std::move(matter));
      continue;
    }
    ReportMatter& latest = folded[place->second];
    if (++latest.earlier == 1)
      latest.next_action +=
          fmt::format("; `jobrun history {} --state {}` lists the earlier ones", latest.job, latest.state);
  }
  matters = std::move(folded);
}

}  // namespace

std::vector<ReportMatter> matters_of(const std::vector<Attention>& rows) {
  std::vector<ReportMatter> matters;
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, std::size_t> places;
  for (const Attention& row : rows) {
    const auto [place, is_new] =
        places.try_emplace({row.kind, row.job, row.run_date, row.state, row.reason}, matters.size());
    if (is_new) matters.push_back(first_of(row));
    ReportMatter& matter = matters[place->second];
    ++matter.count;
    const bool named = row.unit != "-" && row.unit != "(all)" && row.kind != "alert";
    if (named && matter.units.size() < most_names) matter.units.push_back(row.unit);
  }
  for (auto& matter : matters) {
    std::sort(matter.units.begin(), matter.units.end());
    if (matter.count > 1) matter.next_action = step_for_all(matter);
  }
  fold_earlier(matters);
  return matters;
}

}  // namespace jobrun
