// What may be wrong with one scheduled call by itself; see schedule_faults.hpp.
#include <algorithm>
#include <optional>

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/then.hpp"
#include "timetable/schedule_faults.hpp"

namespace jobrun {

namespace {

using namespace std::chrono_literals;
using Weight = ScheduleFault::Weight;
using std::chrono::days;

constexpr Span late_start = 15min;  // a busy machine, a long fsck, a scheduler that catches up
constexpr Span step_of_day = 24h;
constexpr std::size_t few_times = 4;  // a job that is asked for more often does not hang on one midnight

/// A date that the shell reads from the clock: $(date +%F).
bool asks_the_clock(const std::string& word) {
  return word.find("date") != std::string::npos &&
         (word.find("$(") != std::string::npos || word.find('`') != std::string::npos);
}

bool is_day_word(const std::string& word) {
  return word == "today" || word == "yesterday" || asks_the_clock(word);
}

std::string time_text(std::chrono::minutes time) {
  return fmt::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
}

/// The first start in the year to come that clocks of the zone leave out, and when they are put forward.
struct GapNight {
  Date date;
  std::chrono::minutes time;
  Instant change;
};

class Judge {
 public:
  Judge(const Scheduled& entry, const JobrunCall& call, const KnownJobs& known, Instant now,
        std::vector<ScheduleFault>& faults)
      : entry_(entry), call_(call), now_(now), faults_(faults) {
    const bool elsewhere = !call.jobs.empty() && call.jobs != known.folder;
    if (const KnownJob* job = elsewhere ? nullptr : known.find(call.job); job != nullptr) {
      file_ = job->file;
      if (job->manifest) manifest_ = &*job->manifest;
    }
  }

  void run_date() {
    if (!call_.has_run_date)
      return add("no_run_date", "the call has no --run-date", "jobrun refuses it with 64: nothing runs",
                 "add --run-date " + fitting());
    midnight();
    other_day();
  }

  void window() {
    if (manifest_ == nullptr || manifest_->retry.max_attempts < 2) return;
    auto period = distance();
    if (!period) return;
    *period = std::max(*period, step_of(call_.run_date));
    if (manifest_->retry.window <= *period) return;
    add("window_over_period",
        fmt::format("retries of {} go on for {}, and the next run begins after {}", call_.job,
                    format_duration(manifest_->retry.window), format_duration(*period)),
        "two runs of the job are tried at the same time, the older one last",
        fmt::format("in {}: \"retry\": {{\"window\": \"{}\"}}", file_, format_duration(*period)));
  }

  void layers() {
    if (entry_.retried_by.empty()) return;
    if (call_.looped)
      add("two_retry_layers", "a loop in the shell calls jobrun again, whatever its answer is",
          "jobrun keeps attempts and waits by itself; the loop hammers on a run that waits or needs a person",
          "take the loop away: `jobrun tick` brings retries on, --wait stays for them");
    else if (!entry_.retried_by_code)
      add("two_retry_layers", fmt::format("{} starts it again on every failure", entry_.retried_by),
          "also where a person must act (80, 81, 82): calls that can do nothing, for ever", by_code());
  }

  void path() {
    if (entry_.finds_jobrun) return;
    const bool named = call_.program.find('/') != std::string::npos;
    add("path",
        named ? fmt::format("there is no {}", call_.program)
              : fmt::format("no folder of PATH={} has a jobrun", entry_.path),
        entry_.scheduler == "systemd" ? "the service fails with 203, and no run begins"
                                      : "the shell answers 127, and no run begins",
        named ? "write the path that `command -v jobrun` tells"
        : entry_.scheduler == "systemd"
            ? "write its whole path in ExecStart="
            : "write PATH=/usr/local/bin:/usr/bin:/bin at the head of the crontab, with "
              "jobrun's folder in it");
  }

  const std::string& run_date_word() const { return call_.run_date; }
  /// A call at `at` is for that day, as far as its run date says a day.
  bool means(Date day, Instant at) const {
    if (!call_.run_date.starts_with("daily@")) return true;
    const auto label = resolve_run_date(call_.run_date, zone_of_date(), at);
    return !label || label->label == format_date(day);
  }

  /// Another start of that day means the same run.
  bool makes_up_later(const Recurrence& times, const GapNight& night, const Zone& zone) const {
    if (!call_.run_date.starts_with("daily@") && !is_day_word(call_.run_date)) return false;
    const Instant shifted = zone.instant(night.date, night.time);
    const auto of_day = times.times_of_day();
    return std::any_of(of_day.begin(), of_day.end(), [&](std::chrono::minutes time) {
      const Instant at = zone.instant(night.date, time);
      return time != night.time && at >= shifted && zone.time_of_day(at) == time && means(night.date, at);
    });
  }

 private:
  void add(std::string kind, std::string what, std::string why, std::string next) {
    faults_.push_back(
        {std::move(kind), entry_.where, std::move(what), std::move(why), std::move(next), Weight::mend});
  }

  std::string fitting() const {
    const std::string fits = fitting_run_date(entry_.times);
    return fits.empty() ? "daily@00:00" : fits;
  }

  std::string by_code() const {
    if (entry_.scheduler == "systemd") return "RestartPreventExitStatus=" + codes_for(Then::person, " ");
    const std::string again = codes_for(Then::again, ", ");
    if (entry_.scheduler == "gitlab") return fmt::format("retry: {{max: 2, exit_codes: [{}]}}", again);
    return fmt::format("a podFailurePolicy: FailJob on exit codes that are not in [{}, 137, 143]", again);
  }

  /// The shortest time between two starts.
  std::optional<Span> distance() const {
    std::optional<Span> shortest = entry_.interval;
    for (const auto& times : entry_.times)
      if (const auto span = times.shortest_distance(); span && (!shortest || *span < *shortest))
        shortest = span;
    return shortest;
  }

  /// Calls within one step of its run date mean the same run.
  static Span step_of(const std::string& word) {
    if (is_day_word(word) || word.starts_with("daily@")) return step_of_day;
    if (word.starts_with("hourly@")) return 1h;
    if (word.starts_with("every@"))
      if (const auto step = parse_duration(word.substr(6)); step) return *step;
    return Span{0};
  }

  Zone zone_of_date() const {
    std::string name = !call_.tz.empty()      ? call_.tz
                       : manifest_ != nullptr ? manifest_->timezone
                                              : entry_.zone;
    if (asks_the_clock(call_.run_date))  // date(1) answers by the machine's clocks
      name = call_.run_date.find("-u") == std::string::npos && !entry_.zone.empty() ? entry_.zone : "UTC";
    const auto zone = Zone::named(name);
    return zone ? *zone : Zone::utc();
  }

  /// The starts of the next day that has some.
  std::vector<Instant> starts(Instant from) const {
    std::vector<Instant> all;
    const auto zone = Zone::named(entry_.zone.empty() ? "UTC" : entry_.zone);
    if (!zone) return all;
    for (const auto& times : entry_.times)
      if (const auto first = times.next(from, *zone); first)
        for (const auto time : times.times_of_day()) all.push_back(zone->instant(zone->date(*first), time));
    return all;
  }

  void midnight() {
    if (!is_day_word(call_.run_date)) return;
    const auto all = starts(now_);
    if (all.size() > few_times) return;
    const bool again = !entry_.retried_by.empty();
    const Span window = manifest_ != nullptr ? manifest_->retry.window : RetryPolicy{}.window;
    const Span late = entry_.spread + (again ? window : late_start);
    const Zone zone = zone_of_date();
    for (const Instant at : all) {
      if (zone.date(at) == zone.date(at + late)) continue;
      return add(
          "moves_over_midnight",
          fmt::format("{} is another date when midnight has passed ({}), and that is within {} of the start",
                      call_.run_date, zone.name(), format_age(late)),
          again ? fmt::format("{} then asks for another run, and the one that failed is left behind",
                              entry_.retried_by)
                : "a late start is taken for the next day's run: one date is missing, one is done early",
          "--run-date " + fitting());
    }
  }

  /// The day that a run is labelled with is not the day on the clocks that start it.
  void other_day() {
    if (entry_.zone.empty() || entry_.times.empty() || asks_the_clock(call_.run_date)) return;
    if (manifest_ == nullptr && call_.tz.empty()) return;  // whose zone it is nobody knows
    const auto clocks = Zone::named(entry_.zone);
    if (!clocks) return;
    const Zone zone = zone_of_date();
    for (const Instant from : {now_, now_ + days(182)})
      for (const Instant at : starts(from)) {
        const auto label = resolve_run_date(call_.run_date, zone, at);
        if (!label) return;
        const Date day = clocks->date(at);
        const bool daily = call_.run_date.starts_with("daily@") && starts(from).size() == 1;
        const bool yesterday = call_.run_date == "yesterday";
        if ((!daily && !yesterday && call_.run_date != "today") || starts(from).size() > few_times) return;
        const Date meant = yesterday ? Date(std::chrono::sys_days(day) - days(1)) : day;
        if (label->label == format_date(meant)) continue;
        return add("other_day",
                   fmt::format("a start at {} {} on {} is labelled {}: {} is by {}",
                               time_text(std::chrono::floor<std::chrono::minutes>(clocks->time_of_day(at))),
                               entry_.zone, format_date(day), label->label, call_.run_date, zone.name()),
                   "the run is another day's than its schedule says",
                   zone.name() == entry_.zone ? "--run-date " + fitting()
                   : file_.empty()            ? "--tz " + entry_.zone
                                   : fmt::format("in {}: \"timezone\": \"{}\"", file_, entry_.zone));
      }
  }

  const Scheduled& entry_;
  const JobrunCall call_;
  Instant now_;
  std::vector<ScheduleFault>& faults_;
  const Manifest* manifest_ = nullptr;
  std::string file_;
};

std::optional<GapNight> gap_night(const Recurrence& times, const Zone& zone, Instant now) {
  const std::chrono::sys_days today = zone.date(now);
  for (int i = 0; i < 370; ++i) {
    const auto date = today + days(i);
    if (zone.instant(date + days(1), 0s) - zone.instant(date, 0s) >= 24h || !times.falls_on(date)) continue;
    for (const auto time : times.times_of_day()) {
      Instant at = zone.instant(date, time);
      if (zone.time_of_day(at) == time) continue;
      while (zone.time_of_day(at) - zone.time_of_day(at - 1min) == 1min) at -= 1min;
      return GapNight{date, time, at};
    }
  }
  return std::nullopt;
}

/// cron makes up for it at the change; others leave the day out.
bool makes_up(const Scheduled& entry) {
  return entry.scheduler == "cron" || entry.scheduler == "run-parts";
}

void find_gap(const Scheduled& entry, const Judge& judge, Instant now, std::vector<ScheduleFault>& faults) {
  const auto zone = Zone::named(entry.zone);
  if (entry.zone.empty() || entry.zone == "UTC" || !zone) return;
  for (const auto& times : entry.times) {
    const auto night = times.every_hour() ? std::nullopt : gap_night(times, *zone, now);
    if (!night || judge.makes_up_later(times, *night, *zone)) continue;
    const bool means_it = judge.means(night->date, night->change);
    faults.push_back(
        {"dst_gap", entry.where,
         fmt::format("there is no {} on {} in {}: the clocks go forward", time_text(night->time),
                     format_date(night->date), entry.zone),
         !makes_up(entry) ? "that day is left out"
         : means_it
             ? "cron starts it at the change instead"
             : fmt::format("cron starts it at the change instead, when {} still means the day before: that "
                           "day's run is never asked for",
                           judge.run_date_word()),
         "choose a time outside of the hours from 01:00 to 04:00, or one of UTC",
         makes_up(entry) && means_it ? Weight::look : Weight::mend});
    return;
  }
}

}  // namespace

void judge_entry(const Scheduled& entry, const KnownJobs& known, Instant now,
                 std::vector<ScheduleFault>& faults) {
  for (const auto& call : entry.calls) {
    Judge judge(entry, call, known, now, faults);
    judge.path();
    if (call.verb != "run") continue;
    judge.run_date();
    judge.window();
    judge.layers();
    if (entry.active) find_gap(entry, judge, now, faults);
  }
  if (entry.calls.empty() && entry.active && !makes_up(entry))
    find_gap(entry, Judge(entry, JobrunCall{}, known, now, faults), now, faults);
}

std::string fitting_run_date(const std::vector<Recurrence>& times) {
  if (times.empty()) return "";
  std::optional<Span> shortest;
  for (const auto& one : times)
    if (const auto span = one.shortest_distance(); span && (!shortest || *span < *shortest)) shortest = span;
  const auto of_day = times.front().times_of_day();
  if (of_day.empty()) return "";
  if (times.size() == 1 && of_day.size() == 1) return "daily@" + time_text(of_day.front());
  if (times.size() == 1 && times.front().every_hour() && times.front().minutes.count() == 1)
    return fmt::format("hourly@{:02}", of_day.front().count() % 60);
  // The longest step of a day that no two starts share.
  Span step = times.size() == 1 && shortest ? *shortest : Span(1min);
  while (step > 1min && Span(24h) % step != 0ms) step -= 1min;
  return "every@" + format_duration(step);
}

}  // namespace jobrun
