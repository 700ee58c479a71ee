// One unit's steps: may it start now, what became of it, what happens next.
// claim_unit and record_end run inside Ledger::write(); nothing here spawns, waits or prints.
#pragma once

#include <string>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/manifest.hpp"
#include "contract/verdict.hpp"
#include "ledger/effects.hpp"
#include "run/world.hpp"

namespace jobrun {

/// The attempt is written down and may start.
struct Claimed {
  Unit unit;  ///< as it stands with this attempt running
  std::int64_t attempt = 0;
  std::string cursor;  ///< of the stream "-"
  bool after_crash = false;
};
using Claim = std::variant<Claimed, UnitOutcome>;

/// Reads the unit afresh: another call may have moved it. The caller holds its lease, so an attempt without
/// an end is a crash: it is recorded as one, counted, and its open effects with the policy `stop` put the
/// unit in doubt. A unit that waits beyond its window is exhausted. `call` is the row of this call, 0 until
/// its first attempt makes one.
Result<Claim> claim_unit(World& world, const Manifest& manifest, const Run& run, std::int64_t unit,
                         std::int64_t& call, Instant now);

/// What an attempt's end makes of its unit.
struct Judgement {
  AttemptEnd end;
  Unit unit;
  std::optional<Pause> pause;
};
/// A done that shows less than the manifest asks for is a stop. `items`: completed in the run's unit.
Verdict held_to_success(const Manifest& manifest, Verdict verdict, Span took, std::int64_t items);
/// `how` is done/retry/stop by the verdict, or crashed or interrupted.
Judgement judge(const Manifest& manifest, const Run& run, const Unit& before, const Verdict& verdict,
                AttemptState how, Instant now);
/// Stores it; an effect that is still open changes the judgement to in doubt.
Result<void> record_end(World& world, const Manifest& manifest, const Run& run, std::int64_t attempt,
                        Judgement& judgement, Instant now);

/// The last attempt of a running unit has no end and the caller holds its lease: its jobrun, or the machine,
/// died. Records that, and answers how the unit stands now.
Result<Unit> recover(World& world, const Manifest& manifest, const Run& run, const Unit& unit, Instant now);

/// Nobody called while there was time for the next attempt of a waiting unit: the window ends a run, a late
/// call does not stretch it.
Result<bool> is_too_late(Ledger& ledger, const Manifest& manifest, const Unit& unit, Instant now);

/// A unit that nothing starts now, as it stands: its exit code and a note.
UnitOutcome standing(const Unit& unit);

}  // namespace jobrun
