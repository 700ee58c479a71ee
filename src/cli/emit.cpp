#include "cli/emit.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/then.hpp"

namespace jobrun {

namespace {

using namespace std::chrono_literals;

std::string seconds(Span span) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(span).count());
}
std::string minutes(Span span) {
  return std::to_string(std::chrono::ceil<std::chrono::minutes>(span).count());
}

/// The longest that a call may take that waits for no retry. How many units there will be is known only where
/// the manifest lists them: else a day.
Span longest_call(const Manifest& manifest) {
  const Span attempt = manifest.timeout + manifest.grace;
  if (manifest.units.kind == UnitSource::Kind::single) return attempt + 1min;
  if (manifest.units.kind != UnitSource::Kind::list) return std::max<Span>(24h, attempt);
  const auto units = static_cast<int>(manifest.units.list.size());
  return attempt * ((units + manifest.parallel - 1) / manifest.parallel) + 1min;
}

}  // namespace

const std::array<Scheduler, 10>& schedulers() {
  static constexpr std::array<Scheduler, 10> table = {{
      {"cron", crontab_once, crontab_lines},
      {"systemd", systemd_once, systemd_units},
      {"kubernetes", nullptr, kubernetes_cronjob},
      {"kubernetes-indexed", nullptr, kubernetes_indexed},
      {"gitlab", nullptr, gitlab_ci},
      {"github", nullptr, github_workflow},
      {"jenkins", nullptr, jenkinsfile},
      {"airflow", nullptr, airflow_dag},
      {"nomad", nullptr, nomad_job},
      {"slurm", slurm_once, slurm_script},
  }};
  return table;
}

std::string filled(std::string_view text, const Words& words) {
  std::string whole;
  while (!text.empty()) {
    const std::size_t open = text.find('@');
    whole += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open);
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 1);
    if (end == std::string_view::npos || end == 1 || text[end] != '@') {
      whole += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto found = std::find_if(words.begin(), words.end(),
                                    [&](const auto& word) { return word.first == text.substr(1, end - 1); });
    if (found == words.end()) std::abort();  // a broken invariant: a text asks for a word that nobody gives
    whole += found->second;
    text.remove_prefix(end + 1);
  }
  return whole;
}

Words words_of_codes() {
  return {{"person_codes", codes_for(Then::person, " ")},  {"person_list", codes_for(Then::person, ", ")},
          {"person_commas", codes_for(Then::person, ",")}, {"again_codes", codes_for(Then::again, " ")},
          {"again_list", codes_for(Then::again, ", ")},    {"again_bars", codes_for(Then::again, "|")},
          {"again_commas", codes_for(Then::again, ",")},   {"left_alone_codes", codes_for(Then::leave, " ")}};
}

Words words_of(const Appointment& at) {
  const Manifest& manifest = at.manifest;
  const Span call = longest_call(manifest), window = manifest.retry.window;
  Words words = words_of_codes();
  const auto add = [&](std::string_view name, std::string value) {
    words.emplace_back(name, std::move(value));
  };
  add("job", manifest.job);
  add("token", at.token);
  add("zone", at.zone.name());
  const TimesOfDay plain = wall_times(at.schedule);
  const TimesOfDay shifted = wall_times_and_shifted(at.schedule, at.zone, at.now);
  add("cron_once", cron_fields(plain));
  add("cron", cron_fields(shifted));
  add("calendar", on_calendar(shifted) + " " + at.zone.name());
  add("why_twice", shifted == plain
                       ? ""
                       : "# The later time is for the night that skips the earlier one; on any other it is "
                         "answered \"done\".\n");
  const Span interval = at.schedule.kind == Schedule::Kind::daily    ? Span(24h)
                        : at.schedule.kind == Schedule::Kind::hourly ? Span(1h)
                                                                     : at.schedule.span;
  add("late_seconds", seconds(interval / 2));
  add("attempts", std::to_string(manifest.retry.max_attempts));
  add("window", format_duration(window));
  add("call_seconds", seconds(call));
  add("call_minutes", minutes(call));
  add("all_seconds", seconds(window + call));  // a call that stays for its retries
  add("all_minutes", minutes(window + call));
  add("stop_seconds", seconds(manifest.grace + 20s));
  add("pause_seconds", seconds(std::clamp<Span>(manifest.retry.first_delay, 10s, 10min)));
  return words;
}

}  // namespace jobrun
