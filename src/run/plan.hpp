// Which run and which units a call is about: read from the ledger, or made from the manifest and its list of
// units. Changes nothing: the loop makes a new run together with its first claims.
#pragma once

#include "base/result.hpp"
#include "run/loop.hpp"
#include "run/request.hpp"
#include "run/world.hpp"

namespace jobrun {

/// Fills in `work.run` and `work.units`, or `work.create` for a run that is to be made. Fault::usage for
/// units that there are not.
Result<void> plan(World& world, const RunRequest& request, Work& work);

/// The stored input of a run and the call's must agree: Fault::conflict for another payload.
Result<void> check_same_input(const Run& run, const RunRequest& request);
/// --again starts the next generation of a run that has ended; Fault::usage for any other.
Result<void> check_ended(const Run& run);

}  // namespace jobrun
