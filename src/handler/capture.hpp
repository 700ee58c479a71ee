// Runs a program to its end and hands back what it wrote on standard output; what it said on standard error
// is told only where it fails. For short helpers (a units command), not for jobs: nothing is recorded.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "handler/child.hpp"

namespace jobrun {

/// Fault::setup where it fails, takes longer than `timeout` or writes more than `limit` bytes.
Result<std::string> capture(ChildSpec spec, Span timeout, std::size_t limit);
/// Everything that comes from a descriptor until its end. Both give up with asked_to_stop() when a held
/// signal (handler/stop_signals) asks for it.
Result<std::string> read_all(int fd, std::size_t limit);

}  // namespace jobrun
