#include "contract/then.hpp"

#include <cstdlib>
#include <vector>

#include "base/text.hpp"

namespace jobrun {

Then then_of(Exit code) {
  switch (code) {
    case Exit::done:
    case Exit::paused:  // by a person, or by a stop that was told when it happened
      return Then::leave;
    case Exit::ledger:
    case Exit::retry:
    case Exit::busy:
      return Then::again;
    case Exit::usage:
    case Exit::internal:
    case Exit::setup:
    case Exit::stopped:
    case Exit::exhausted:
    case Exit::in_doubt:
    case Exit::conflict:
      return Then::person;
  }
  std::abort();
}

std::string codes_for(Then then, std::string_view separator) {
  std::vector<std::string> found;
  for (const ExitRow& row : exit_table())
    if (then_of(row.code) == then) found.push_back(std::to_string(static_cast<int>(row.code)));
  return join(found, separator);
}

}  // namespace jobrun
