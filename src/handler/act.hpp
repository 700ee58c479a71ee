// The command of an effect: run as a shell would run it, in our group and with our descriptors; its standard
// output is handed through and kept. Promises that a signal that ends scripts does not end us before the
// command's end is known. Knows no effects: what the end means is the caller's to say.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

struct ActSpec {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  Span timeout{};   ///< 0: none. TERM then, KILL five seconds later.
  int lease = -1;   ///< inherited by the command
  int output = -1;  ///< its output is written there as it comes; -1: kept only
};

struct ActEnd {
  ChildEnd end;
  std::string output;        ///< the beginning of it
  std::int64_t dropped = 0;  ///< bytes of output that were not kept
  bool stop_asked = false;   ///< a signal asked us to stop; it was handed on to the command
};

/// Error only where jobrun could not.
Result<ActEnd> act(const ActSpec& spec);

}  // namespace jobrun
