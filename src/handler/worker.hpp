// The worker role: jobrun re-exec'ed to run one unit of a native job, where libcurl is loaded and where a
// hang, a leak or a crash of the unit's code touches nobody else. Speaks the channel like any other handler;
// a lost channel ends it at once with 75.
#pragma once

#include <string>

#include "jobs/registry.hpp"  // which native jobs there are

namespace jobrun {

/// The word behind `jobrun` on a worker's command line.
inline constexpr const char* worker_role = "__worker";

/// The worker that makes a manifest's HTTP call; no native job has such a name.
inline constexpr const char* http_worker = "__http";

/// Runs the native job `name` for the attempt that the environment names; its exit code is 0, 75 or 80.
int run_worker(const std::string& name);

}  // namespace jobrun
