// A person's word on an effect that is in doubt, or on the lost interval as a whole: `effects
// confirm|release`. Promises that the reason is kept and that nothing is settled while somebody acts on it.
// Brings no unit on.
#pragma once

#include <string>

#include "cli/commands.hpp"

namespace jobrun {

Result<Exit> settle(const Session& session, Ledger& ledger, bool happened, const std::string& key);

}  // namespace jobrun
