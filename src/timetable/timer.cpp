#include "timetable/timer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "contract/then.hpp"
#include "timetable/shell_line.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_settings = 10'000;

std::string_view suffix_of(std::string_view unit) {
  const auto dot = unit.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : unit.substr(dot);
}

/// Name and instance of %n, %N, %p, %i: what stands for the letter; the specifier itself where it is another.
std::string specifier(char letter, std::string_view unit) {
  const std::string_view bare = unit.substr(0, unit.size() - suffix_of(unit).size());
  switch (letter) {
    case '%':
      return "%";
    case 'i':
    case 'I':
      return instance_of(unit).empty() ? std::string("%i") : instance_of(unit);
    case 'n':
      return std::string(unit);
    case 'N':
      return std::string(bare);
    case 'p':
      return std::string(bare.substr(0, bare.find('@')));
    default:
      return std::string("%") + letter;
  }
}

std::string with_specifiers(std::string_view text, std::string_view unit) {
  std::string filled;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 1 < text.size())
      filled += specifier(text[++i], unit);
    else
      filled += text[i];
  }
  return filled;
}

/// The number of a status that RestartPreventExitStatus= and its like may also name (systemd.exec(5)).
std::string status_number(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> names = {
      {{"USAGE", "64"}, {"SOFTWARE", "70"}, {"IOERR", "74"}, {"TEMPFAIL", "75"}, {"CONFIG", "78"}}};
  for (const auto& [name, number] : names)
    if (word == name) return std::string(number);
  return std::string(word);
}

std::vector<std::string> statuses(const UnitText& service, std::string_view key) {
  std::vector<std::string> all;
  for (const auto& setting : service.values("Service", key))
    for (const auto& word : exec_words(setting.value, "")) all.push_back(status_number(word));
  return all;
}

/// NAME=VALUE words of Environment=.
std::vector<std::pair<std::string, std::string>> variables_of(const UnitText& service,
                                                              std::string_view unit) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& setting : service.values("Service", "Environment"))
    for (const auto& word : exec_words(setting.value, unit))
      if (const auto equals = word.find('='); equals != std::string::npos)
        variables.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  return variables;
}

/// ${NAME}, and $NAME as a word of its own, where Environment= sets it; the rest as it stands.
void put_in(const std::vector<std::pair<std::string, std::string>>& variables,
            std::vector<std::string>& words) {
  for (auto& word : words)
    for (const auto& [name, value] : variables) {
      if (word == "$" + name) word = value;
      const std::string braced = "${" + name + "}";
      if (const auto at = word.find(braced); at != std::string::npos) word.replace(at, braced.size(), value);
    }
}

void read_restart(const UnitText& service, Scheduled& entry) {
  const auto has = [](const std::vector<std::string>& list, std::string_view code) {
    return std::find(list.begin(), list.end(), code) != list.end();
  };
  const std::string restart = service.value("Service", "Restart");
  const auto forced = statuses(service, "RestartForceExitStatus");
  if (restart == "on-failure" || restart == "always") {
    entry.retried_by = "Restart=" + restart;
    const auto prevented = statuses(service, "RestartPreventExitStatus");
    const std::string for_people = codes_for(Then::person, " ");
    const auto codes = split(for_people, ' ');
    entry.retried_by_code =
        std::all_of(codes.begin(), codes.end(), [&](std::string_view code) { return has(prevented, code); });
  } else if (!forced.empty()) {
    entry.retried_by = "RestartForceExitStatus=" + join(forced, " ");
    const std::string again = codes_for(Then::again, " ");
    const auto codes = split(again, ' ');
    entry.retried_by_code = std::all_of(forced.begin(), forced.end(), [&](const std::string& code) {
      return std::find(codes.begin(), codes.end(), code) != codes.end();
    });
  }
}

void read_times(const UnitText& timer, const std::string& zone, Scheduled& entry) {
  bool all_known = true;
  const auto say = [&](const std::string& text) { (entry.when += entry.when.empty() ? "" : ", ") += text; };
  for (const auto& setting : timer.values("Timer", "OnCalendar")) {
    say(setting.value);
    auto calendar = parse_calendar_time(setting.value);
    all_known = all_known && calendar;
    if (!calendar) continue;
    entry.times.push_back(calendar->times);
    if (!calendar->zone.empty()) entry.zone = calendar->zone;
  }
  if (!all_known) entry.times.clear();
  for (const char* key : {"OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"})
    for (const auto& setting : timer.values("Timer", key)) {
      say(std::string(key) + "=" + setting.value);
      if (std::string_view(key).starts_with("OnUnit")) entry.interval = parse_systemd_span(setting.value);
    }
  if (entry.zone.empty()) entry.zone = zone;
  if (const auto spread = parse_systemd_span(timer.value("Timer", "RandomizedDelaySec")); spread)
    entry.spread = *spread;
}

}  // namespace

void UnitText::add(std::string_view text, const std::string& file) {
  std::string section;
  int number = 0, first = 0;
  std::string whole;
  for (const auto raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    const bool comment = line.starts_with('#') || line.starts_with(';');
    if (comment || (line.empty() && whole.empty())) continue;
    if (whole.empty()) first = number;
    whole += line;
    if (whole.ends_with('\\')) {
      whole.pop_back();
      whole = std::string(trim(whole)) + " ";
      continue;
    }
    const auto equals = whole.find('=');
    if (whole.starts_with('[') && whole.ends_with(']'))
      section = whole.substr(1, whole.size() - 2);
    else if (equals != std::string::npos && settings_.size() < most_settings)
      settings_.push_back({section,
                           std::string(trim(std::string_view(whole).substr(0, equals))),
                           std::string(trim(std::string_view(whole).substr(equals + 1))),
                           {file, first}});
    whole.clear();
  }
}

std::string UnitText::value(std::string_view section, std::string_view key) const {
  for (auto one = settings_.rbegin(); one != settings_.rend(); ++one)
    if (one->section == section && one->key == key) return one->value;
  return {};
}

std::vector<UnitSetting> UnitText::values(std::string_view section, std::string_view key) const {
  std::vector<UnitSetting> all;
  for (const auto& one : settings_) {
    if (one.section != section || one.key != key) continue;
    if (one.value.empty())
      all.clear();
    else
      all.push_back(one);
  }
  return all;
}

Spot UnitText::where(std::string_view section) const {
  for (const auto& one : settings_)
    if (one.section == section) return one.where;
  return {};
}

std::string instance_of(std::string_view unit) {
  const auto at = unit.find('@');
  const auto dot = unit.rfind('.');
  if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) return {};
  return std::string(unit.substr(at + 1, dot - at - 1));
}

std::string template_of(std::string_view unit) {
  if (instance_of(unit).empty()) return std::string(unit);
  return std::string(unit.substr(0, unit.find('@') + 1)).append(suffix_of(unit));
}

std::string service_of(const UnitText& timer, std::string_view name) {
  if (const std::string named = timer.value("Timer", "Unit"); !named.empty())
    return with_specifiers(named, name);
  return std::string(name.substr(0, name.size() - suffix_of(name).size())) + ".service";
}

std::vector<std::string> exec_words(std::string_view value, std::string_view unit) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  const auto end_word = [&] {
    if (in_word) words.push_back(with_specifiers(word, unit));
    word.clear();
    in_word = false;
  };
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && i + 1 < value.size()) {
      const char next = value[++i];
      word += next == 's' ? ' ' : next == 't' ? '\t' : next == 'n' ? '\n' : next;
      in_word = true;
    } else if (c == '$' && i + 1 < value.size() && value[i + 1] == '$') {
      ++i;
      word += '$';
      in_word = true;
    } else if (quote != '\0') {
      if (c == quote)
        quote = '\0';
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      end_word();
    } else {
      word += c;
      in_word = true;
    }
  }
  end_word();
  if (!words.empty())
    words.front().erase(0, std::min(words.front().find_first_not_of("@-:+!|"), words.front().size()));
  return words;
}

Scheduled scheduled_timer(const UnitText& timer, const UnitText& service, const std::string& name,
                          const std::string& zone, const std::string& user) {
  Scheduled entry;
  entry.scheduler = "systemd";
  entry.name = name;
  entry.where = timer.where("Timer");
  for (const char* key : {"OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec", "OnBootSec"})
    if (const auto said = timer.values("Timer", key); !said.empty()) {
      entry.where = said.back().where;
      break;
    }
  read_times(timer, zone, entry);
  entry.user = service.value("Service", "User");
  if (entry.user.empty()) entry.user = user;
  const std::string service_name = service_of(timer, name);
  entry.environment = variables_of(service, service_name);
  entry.environment_file = service.value("Service", "EnvironmentFile");
  entry.workdir = service.value("Service", "WorkingDirectory");
  if (entry.workdir.empty()) entry.workdir = "/";
  for (const auto& exec : service.values("Service", "ExecStart")) {
    auto words = exec_words(exec.value, service_name);
    put_in(entry.environment, words);
    (entry.command += entry.command.empty() ? "" : " && ") += shell_line(words);
    for (auto& call : jobrun_calls(words)) entry.calls.push_back(std::move(call));
  }
  if (entry.command.empty()) entry.command = service_name;
  read_restart(service, entry);
  for (auto& call : entry.calls)
    for (const auto& [variable, value] : entry.environment)
      if (variable == "JOBRUN_JOBS" && call.jobs.empty()) call.jobs = value;
  for (const auto& call : entry.calls)
    if (call.looped && entry.retried_by.empty()) entry.retried_by = "a loop in the shell";
  return entry;
}

}  // namespace jobrun
