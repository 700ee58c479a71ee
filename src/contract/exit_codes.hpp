// The one table of exit codes: number, word, advice. Help, man pages, JSON and tests read it.
// Does not decide which one a run ends with beyond the rule for several units (combined_exit).
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace jobrun {

enum class Exit {
  done = 0,
  usage = 64,
  internal = 70,
  ledger = 74,
  retry = 75,
  setup = 78,
  stopped = 80,
  exhausted = 81,
  in_doubt = 82,
  busy = 83,
  paused = 85,
  conflict = 86,
};

struct ExitRow {
  Exit code;
  std::string_view word;    ///< "stopped"
  std::string_view advice;  ///< what the caller should do
};

/// Ascending by number.
const std::array<ExitRow, 12>& exit_table();
std::string_view exit_word(Exit code);
std::string_view exit_advice(Exit code);
Exit exit_for(Fault fault);

/// The answer for several units: retry wins while any unit has budget (or one bad tenant would block the
/// others), then busy (a unit that another process runs is not finished, and that process may yet die), then
/// in_doubt, exhausted, stopped; paused only if all units are so; otherwise done. Empty is done.
Exit combined_exit(const std::vector<Exit>& units);

/// "80=0,75=0": what a scheduler that can't tell codes apart is answered. Fault::usage unless each A is in
/// the table and each B is 0-255.
class ExitMap {
 public:
  static Result<ExitMap> parse(std::string_view text);
  int apply(Exit code) const;

 private:
  std::map<int, int> map_;
};

}  // namespace jobrun
