// The laws of a ledger that go beyond its CHECKs, held against one moment of it.
// Tells faults, which no jobrun makes and a person must look at, from notes, which the next call or a person
// settles in the ordinary way. Reads everything, changes nothing and mends nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

struct Finding {
  std::string_view
      law;  ///< "integrity", "references", "counters", "attempts", "states", "clock", "effects", "crashed"
  std::string what;
  bool is_fault = false;
};

/// At most 20 findings for each law.
Result<std::vector<Finding>> check_laws(Ledger& ledger);

}  // namespace jobrun
