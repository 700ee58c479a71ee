// One thing that a scheduler starts, as its configuration says it, whichever scheduler it is; and what may be
// wrong with it. Values only: who reads the configuration fills them in. Knows no manifest and no ledger.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "timetable/jobrun_call.hpp"
#include "timetable/recurrence.hpp"

namespace jobrun {

/// Where something stands, as it is printed: "FILE:LINE".
struct Spot {
  std::string file;
  int line = 0;  ///< 0: the file as such

  std::string text() const { return line == 0 ? file : file + ":" + std::to_string(line); }
};

struct Scheduled {
  std::string scheduler;  ///< "cron", "run-parts", "systemd", "kubernetes", "gitlab", "github"
  Spot where;
  std::string name;               ///< the unit's, the CI job's; empty for a line of a crontab
  std::string when;               ///< as written
  std::vector<Recurrence> times;  ///< what `when` means; empty: that can't be told
  std::optional<Span> interval;   ///< of a timer that counts from its last start
  Span spread{};                  ///< a start may come so much later (RandomizedDelaySec)
  std::string zone;               ///< whose clocks `when` speaks of; empty: not known
  std::string user;               ///< empty: not known
  std::string command;
  bool active = true;  ///< false: it is there, but nothing starts it
  std::vector<JobrunCall> calls;

  /// What starts it again when it fails, as written: "Restart=on-failure", "retry: 2"; empty: nothing does.
  std::string retried_by;
  bool retried_by_code = false;  ///< and only on exit codes that ask for it
  std::string path;              ///< the PATH that finds its program; empty: does not matter, or not known
  std::string workdir;           ///< where it is started; empty: not known
  std::vector<std::pair<std::string, std::string>> environment;  ///< what its configuration sets
  std::string environment_file;                                  ///< where more of it stands
  bool finds_jobrun = true;                                      ///< jobrun stands where it is looked for

  std::string label() const { return name.empty() ? where.text() : name; }
  /// The next start after `now`; nothing where that can't be told, or nothing starts it.
  std::optional<Instant> next(Instant now) const;
};

struct ScheduleFault {
  enum class Weight { look, mend };
  std::string kind;  ///< "percent", "scheduled_twice", ...: a word that programs can look for
  Spot where;
  std::string what, why, next;
  Weight weight = Weight::mend;
};

/// Everything that was read, and what could not be.
struct Inventory {
  struct Unread {
    std::string path, why;
  };
  std::string zone;    ///< the machine's; empty: not known
  bool whole = false;  ///< the places of a machine were read, not only files that were named
  std::vector<Scheduled> entries;
  std::vector<ScheduleFault> faults;  ///< what was seen while reading
  std::vector<Unread> unread;
};

/// As `inventory --json` has it, with the next start; secrets in commands are masked.
Json json_of(const Scheduled& entry, Instant now);
/// The same text with the values of what is named like a secret, and passwords in addresses, as ***.
std::string mask_secrets(std::string_view text);

}  // namespace jobrun
