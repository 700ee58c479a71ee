// A timer of systemd and the service it starts, as texts: settings of unit files with drop-ins over them, and
// what they come to. systemd.syntax(7), systemd.unit(5), systemd.timer(5). Promises to read what systemd
// reads of the settings that say when, as whom and what; knows no other settings, and reads no file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "timetable/scheduled.hpp"

namespace jobrun {

struct UnitSetting {
  std::string section, key, value;
  Spot where;
};

/// One unit: its file, then each drop-in, in the order in which they apply.
class UnitText {
 public:
  void add(std::string_view text, const std::string& file);
  bool empty() const { return settings_.empty(); }
  /// The last word; empty where there is none.
  std::string value(std::string_view section, std::string_view key) const;
  /// All of them; an empty assignment takes those before it away.
  std::vector<UnitSetting> values(std::string_view section, std::string_view key) const;
  /// Where the first setting of a section stands.
  Spot where(std::string_view section) const;

 private:
  std::vector<UnitSetting> settings_;
};

/// "jobrun@a.timer" -> "a"; empty for a unit that is no instance.
std::string instance_of(std::string_view unit);
/// "jobrun@a.timer" -> "jobrun@.timer"; the name itself for a unit that is no instance.
std::string template_of(std::string_view unit);
/// The service that a timer starts.
std::string service_of(const UnitText& timer, std::string_view name);

/// Words of a command line, without quotes and prefixes (@ - : + !), specifiers put in.
std::vector<std::string> exec_words(std::string_view value, std::string_view unit);

/// `zone`: the machine's. `user`: whose manager it is; root's where the service names none.
Scheduled scheduled_timer(const UnitText& timer, const UnitText& service, const std::string& name,
                          const std::string& zone, const std::string& user);

}  // namespace jobrun
