// What a scheduler does with an exit code: the three cases that one can tell apart. One table for what `emit`
// writes, what `inventory` looks for and what `jobs adopt` proposes.
#pragma once

#include <string>
#include <string_view>

#include "contract/exit_codes.hpp"

namespace jobrun {

enum class Then { leave, again, person };

Then then_of(Exit code);
/// "74 75 83", ascending.
std::string codes_for(Then then, std::string_view separator);

}  // namespace jobrun
