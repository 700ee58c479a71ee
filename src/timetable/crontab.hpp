// A crontab as text: its lines, with the variables that hold for each. crontab(5) as Debian's cron reads it.
// Promises a line for everything that cron would try to start, faulty ones with what is wrong; guesses
// nothing about what a command does. Reads no file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "timetable/recurrence.hpp"

namespace jobrun {

struct CrontabLine {
  int line = 0;                     ///< 1-based
  std::string when;                 ///< as written, one blank between fields: "30 1 * * *", "@daily"
  std::optional<Recurrence> times;  ///< nothing for @reboot and for faulty lines
  std::string fault;                ///< why cron refuses it; empty where it does not
  std::string user;                 ///< of the system's form; empty in a user's crontab
  std::string command;              ///< what the shell is given: up to an unescaped %, with \% as %
  bool percent = false;             ///< an unescaped % cuts the command
  /// NAME=VALUE lines before it, the latest last.
  std::vector<std::pair<std::string, std::string>> variables;

  /// The value that holds for it; empty where there is none.
  std::string variable(std::string_view name) const;
};

/// The PATH of Debian's cron where a crontab sets none.
constexpr std::string_view crons_own_path = "/usr/bin:/bin";

/// cron(8) and run-parts(8) pass over names with other characters than letters, digits, _ and -.
bool cron_reads_name(std::string_view name);

enum class CrontabForm { user, system };  // the system's has a user's name before the command

/// At most `most_crontab_lines` lines are read.
std::vector<CrontabLine> parse_crontab(std::string_view text, CrontabForm form);
constexpr std::size_t most_crontab_lines = 10'000;

}  // namespace jobrun
