// The readers of what other schedulers are told: crontabs, calendar expressions, shell lines, units, YAML,
// and what is judged and adopted of them. They end for any bytes, and what they make is sound.
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "fuzz/fuzz.hpp"
#include "timetable/adoption.hpp"
#include "timetable/crontab.hpp"
#include "timetable/schedule_faults.hpp"
#include "timetable/scheduled_yaml.hpp"
#include "timetable/shell_line.hpp"
#include "timetable/timer.hpp"

namespace {

using namespace jobrun;
using jobrun_fuzz::must;

const Instant now = *parse_instant("2026-03-28T12:00:00Z");

void judge(Scheduled entry) {
  if (const auto next = entry.next(now)) must(*next > now, "the next start is not past");
  must(mask_secrets(mask_secrets(entry.command)).size() <= entry.command.size() + 3 * entry.command.size(),
       "masking ends");
  if (const auto adoption = adopt(entry, "job"))
    must(!adoption->manifest.empty() && !adoption->run_date.empty(), "an adoption is whole");
  Inventory inventory;
  inventory.whole = true;
  inventory.entries.push_back(std::move(entry));
  inventory.entries.push_back(inventory.entries.front());
  for (const auto& fault : schedule_faults(inventory, {}, now))
    must(!fault.kind.empty() && !fault.why.empty() && !fault.next.empty(), "a fault says all it has to");
}

void read_crontab(std::string_view text) {
  for (const auto& line :
       parse_crontab(text, text.size() % 2 == 0 ? CrontabForm::user : CrontabForm::system)) {
    Scheduled entry;
    entry.scheduler = "cron";
    entry.when = line.when;
    entry.zone = "Europe/Berlin";
    entry.command = line.command;
    entry.environment = line.variables;
    if (line.times) entry.times = {*line.times};
    if (line.times && line.fault.empty()) {
      const auto shortest = line.times->shortest_distance(), longest = line.times->longest_distance();
      must(!shortest || (*shortest > Span(0) && *shortest <= *longest), "distances are in order");
      const std::string token = fitting_run_date(entry.times);
      must(static_cast<bool>(resolve_run_date(token, Zone::utc(), now)), "the fitting run date is one");
    }
    entry.calls = jobrun_calls(line.command);
    judge(std::move(entry));
  }
}

void read_shell(std::string_view text) {
  std::vector<std::string> words;
  for (const auto& command : parse_shell_line(text))
    for (const auto& word : command.words) words.push_back(word);
  (void)jobrun_calls(text);
  const auto again = parse_shell_line(shell_line(words));
  const bool one = again.size() == 1 && again.front().assigned.empty() && !again.front().expands;
  if (one && again.front().words.size() == words.size())
    must(again.front().words == words, "words are written as they are read");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = jobrun_fuzz::text(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      read_crontab(text);
      break;
    case 1:
      if (const auto calendar = parse_calendar_time(text))
        if (const auto next = calendar->times.next(now, Zone::utc()))
          must(*next > now, "the next start is not past");
      if (const auto span = parse_systemd_span(text)) must(*span >= Span(0), "a span is not negative");
      break;
    case 2:
      read_shell(text);
      break;
    case 3: {
      UnitText unit;
      unit.add(text, "x.timer");
      judge(scheduled_timer(unit, unit, "x@a-b.timer", "Europe/Berlin", "root"));
      break;
    }
    default:
      if (const auto documents = parse_yaml(text)) {
        Inventory inventory;
        read_scheduled_yaml(*documents, "x.yml", inventory);
        for (auto& entry : inventory.entries) judge(std::move(entry));
      }
      break;
  }
  return 0;
}
