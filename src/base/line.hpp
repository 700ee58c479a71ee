// One log line as logfmt: `ts=... level=... msg="..." key=value`, values quoted where they need it, always
// one line. Does not write anywhere: cli/ prints.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace jobrun {

using LogField = std::pair<std::string_view, std::string>;

/// Without a final newline; control characters in values are shown as text.
std::string log_line(Instant at, std::string_view level, std::string_view message,
                     std::initializer_list<LogField> fields);

}  // namespace jobrun
