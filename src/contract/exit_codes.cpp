#include "contract/exit_codes.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace jobrun {
namespace {

// Free of everything that others have taken: sh and env 126-127, GNU timeout 124-127, CLI parsers 100-114,
// systemd 200-245, 128+n for signals. 64-78 keep their meaning of sysexits(3).
constexpr std::array<ExitRow, 12> rows = {{
    {Exit::done, "done", "nothing to do: finished now, or earlier"},
    {Exit::usage, "usage", "fix the call; nothing was recorded"},
    {Exit::internal, "internal", "a bug in jobrun; report it"},
    {Exit::ledger, "ledger",
     "the ledger can't be read or written now (disk full, I/O error, locked too long); safe to call again"},
    {Exit::retry, "retry", "call again with the same arguments"},
    {Exit::setup, "setup",
     "the installation needs a person: unknown job, bad manifest, no ledger or a damaged one, network file "
     "system, unreadable secret"},
    {Exit::stopped, "stopped", "a person must act; calling again answers 80 at once"},
    {Exit::exhausted, "exhausted",
     "the attempts or the retry window are used up; a person must act, calling again answers 81 at once"},
    {Exit::in_doubt, "in_doubt", "an effect may or may not have happened; a person resolves it"},
    {Exit::busy, "busy", "another process runs it now; try later or ignore"},
    {Exit::paused, "paused", "every selected unit is paused; resume it when it may run again"},
    {Exit::conflict, "conflict", "the same key was called with other input; fix the caller"},
}};

const ExitRow& row_of(Exit code) {
  for (const ExitRow& row : rows) {
    if (row.code == code) return row;
  }
  std::abort();  // a broken invariant: a number that was cast to Exit without being one
}

// Contract 2.3. Codes of whole calls are not met here in ordinary life; should one come, it is never lost.
constexpr std::array<Exit, 10> strongest_first = {
    Exit::retry,   Exit::busy,     Exit::ledger, Exit::in_doubt, Exit::exhausted,
    Exit::stopped, Exit::internal, Exit::setup,  Exit::conflict, Exit::usage};

Error bad_map(std::string_view pair, std::string why) {
  return usage_error("exit map: " + in_quotes(pair) + ": " + std::move(why), "write pairs such as 80=0,75=0");
}

std::string known_codes() {
  std::vector<std::string> codes;
  for (const ExitRow& row : rows) codes.push_back(std::to_string(static_cast<int>(row.code)));
  return join(codes, " ");
}

}  // namespace

const std::array<ExitRow, 12>& exit_table() {
  return rows;
}
std::string_view exit_word(Exit code) {
  return row_of(code).word;
}
std::string_view exit_advice(Exit code) {
  return row_of(code).advice;
}

Exit exit_for(Fault fault) {
  switch (fault) {
    case Fault::usage:
      return Exit::usage;
    case Fault::setup:
      return Exit::setup;
    case Fault::ledger:
      return Exit::ledger;
    case Fault::conflict:
      return Exit::conflict;
    case Fault::busy:
      return Exit::busy;
    case Fault::gone:
      return Exit::retry;
    case Fault::internal:
      return Exit::internal;
  }
  std::abort();
}

Exit combined_exit(const std::vector<Exit>& units) {
  const auto any = [&](Exit code) { return std::find(units.begin(), units.end(), code) != units.end(); };
  for (const Exit code : strongest_first) {
    if (any(code)) return code;
  }
  if (units.empty() || any(Exit::done)) return Exit::done;
  return Exit::paused;
}

Result<ExitMap> ExitMap::parse(std::string_view text) {
  ExitMap parsed;
  for (const std::string_view pair : split(text, ',')) {
    const std::size_t sign = pair.find('=');
    if (sign == std::string_view::npos) return bad_map(pair, "is not of the form CODE=CODE");
    const auto from = parse_integer(pair.substr(0, sign), 0, 255);
    const auto to = parse_integer(pair.substr(sign + 1), 0, 255);
    const bool known = from && std::any_of(rows.begin(), rows.end(), [&](const ExitRow& row) {
                         return static_cast<int>(row.code) == static_cast<int>(*from);
                       });
    if (!known) return bad_map(pair, "the left side is none of jobrun's codes (" + known_codes() + ")");
    if (!to) return bad_map(pair, "the right side is not a number from 0 to 255");
    if (!parsed.map_.emplace(static_cast<int>(*from), static_cast<int>(*to)).second) {
      return bad_map(pair, "the left side is mapped twice");
    }
  }
  return parsed;
}

int ExitMap::apply(Exit code) const {
  const auto found = map_.find(static_cast<int>(code));
  return found == map_.end() ? static_cast<int>(code) : found->second;
}

}  // namespace jobrun
