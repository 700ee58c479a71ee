#include "run/world.hpp"

namespace jobrun {

std::string value_of(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return value;
  return "";
}

}  // namespace jobrun
