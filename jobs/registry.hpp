// The native jobs that ship: a name and its function each. jobs/README.md says how to add one.
// Does not read manifests: a manifest's `native` names an entry of this table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/native_job.hpp"

namespace jobrun {

/// Nothing where this jobrun has no such job.
const NativeJobEntry* find_native_job(std::string_view name);

/// In the order of the alphabet, for messages.
std::vector<std::string> native_job_names();

}  // namespace jobrun
