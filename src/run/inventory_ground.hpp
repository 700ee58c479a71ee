// The files of a machine below a root, for an inventory: reading with a limit, and noting what can't be read.
// Shared by the readers of crontabs and of units; nobody else needs it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "timetable/crontab.hpp"
#include "timetable/scheduled.hpp"

namespace jobrun {

class Ground {
 public:
  /// Reads the machine's zone, and who has an account, at once.
  Ground(std::string root, Inventory& found);

  Inventory& found() const { return found_; }
  /// A path of that machine, as this process reaches it.
  std::string path(std::string_view absolute) const;
  bool has(std::string_view absolute) const;
  /// By the path as this process reaches it. Nothing where it is not there; what can't be read is noted.
  std::optional<std::string> read(const std::string& path) const;
  /// Names in a folder that begin with no dot, sorted; the same.
  std::vector<std::string> names(const std::string& folder) const;
  /// True where one of the folders of a PATH has a jobrun, or where a path with a slash is there.
  bool finds(std::string_view program, std::string_view search_path) const;

  struct Person {
    std::string name, home;
  };
  /// Of /etc/passwd, those with a home.
  const std::vector<Person>& people() const { return people_; }
  /// Empty where nobody has that name.
  std::string home_of(std::string_view user) const;

 private:
  std::string root_;
  Inventory& found_;
  std::vector<Person> people_;
};

/// Lines of a crontab, and what is wrong with them.
void read_crontab(const Ground& ground, const std::string& path, CrontabForm form, const std::string& user);
/// /etc/crontab, /etc/cron.d, /etc/cron.{hourly,...} and the crontabs of users.
void read_cron_places(const Ground& ground);

/// Units of the system and of users.
void read_unit_places(const Ground& ground);
/// One .timer with its service beside it, or all timers of a folder, whether they are enabled or not.
void read_named_units(const Ground& ground, const std::string& path);

}  // namespace jobrun
