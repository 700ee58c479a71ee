// Cursors and items: how far the work of a (job, unit) has come.
// `scratch` is 0 for the cursor that runs share, or the run (of a replay or backfill) that has its own.
// Functions that change something run inside Ledger::write(). Decides nothing about what a cursor means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

/// Empty where there is none yet.
Result<std::string> cursor_of(Ledger& ledger, const Unit& unit, std::string_view stream);
Result<void> set_cursor(Ledger& ledger, const Unit& unit, std::string_view stream, std::string_view value,
                        std::int64_t attempt, Instant now);

/// By a person, with a reason; without a value it is reset: the next attempt begins at the beginning.
struct CursorChange {
  std::string job, unit, stream, reason;
  std::optional<std::string> value;
};
Result<void> change_cursor(Ledger& ledger, const CursorChange& change, Instant now);

struct CursorRow {
  std::string unit, stream, changed_at;
  std::optional<std::string> value;     ///< nothing: reset
  std::optional<std::string> run_id;    ///< of the attempt that moved it
  std::optional<std::int64_t> attempt;  ///< its number
  std::optional<std::string> reason;    ///< a person's
};
/// A job's cursors, of one unit or, with an empty name, of all.
Result<std::vector<CursorRow>> cursors_of(Ledger& ledger, std::string_view job, std::string_view unit);
/// Where they stood, the latest first, `most` rows.
Result<std::vector<CursorRow>> cursor_history(Ledger& ledger, std::string_view job, std::string_view unit,
                                              std::int64_t most);
/// False where history that prune took away might tell where the unit's first attempt began.
Result<bool> can_rewind(Ledger& ledger, const Unit& unit);
/// Gives the unit a scratch cursor that stands where the shared one stood before the unit's first attempt.
/// What can_rewind() says first.
Result<void> rewind_scratch_cursor(Ledger& ledger, const Unit& unit, Instant now);

Result<bool> item_is_done(Ledger& ledger, std::int64_t unit, std::string_view item);
Result<void> add_item(Ledger& ledger, std::int64_t unit, std::string_view item, std::int64_t attempt,
                      Instant now);

Result<std::int64_t> count_items(Ledger& ledger, std::int64_t unit);
Result<void> remove_items(Ledger& ledger, std::int64_t unit);

}  // namespace jobrun
