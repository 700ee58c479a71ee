// YAML documents (YAML 1.1) as nodes with the line each stands on. The only door to libyaml.
// Promises an end for any bytes: depth and count of nodes are limited, aliases are written out within that
// limit. Scalars stay text: nothing is taken for a number, a date or a truth value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace jobrun {

struct YamlNode {
  enum class Kind { none, scalar, list, map };
  Kind kind = Kind::none;
  int line = 0;  ///< 1-based
  std::string text;
  std::vector<YamlNode> items;    ///< of a list; of a map its values, what `<<` merges behind its own
  std::vector<std::string> keys;  ///< of a map: one for each of `items`

  bool is_map() const { return kind == Kind::map; }
  bool is_list() const { return kind == Kind::list; }
  bool is_there() const { return kind != Kind::none; }
  /// The first member of that name, or a node of Kind::none that lives for ever.
  const YamlNode& at(std::string_view name) const;
};

/// Fault::usage with "line 3: ..." where the text is not YAML, or has more than a person would write.
Result<std::vector<YamlNode>> parse_yaml(std::string_view text);

}  // namespace jobrun
