// One event as one log line: logfmt (`ts=... level=... msg="..." key=value`, values quoted where they need
// it), a JSON object with the same names, or an entry of the journal's native protocol. Never more than one
// line, whatever is in the values. Does not write anywhere: cli/ prints.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace jobrun {

using LogField = std::pair<std::string_view, std::string>;
using LogFields = std::vector<LogField>;

/// Without a final newline; control characters in values are shown as text.
std::string logfmt_line(Instant at, std::string_view level, std::string_view message,
                        const LogFields& fields);
/// The names are those of logfmt; `attempt` and what ends in `_ms` are numbers, the rest is text.
std::string json_line(Instant at, std::string_view level, std::string_view message, const LogFields& fields);
/// systemd-journald's native protocol: MESSAGE (which may have several lines), PRIORITY, SYSLOG_IDENTIFIER,
/// MESSAGE_ID where there is one (systemd.journal-fields(7)), and a field JOBRUN_NAME for each one that is
/// not empty.
std::string journal_entry(std::string_view level, std::string_view message, const LogFields& fields,
                          std::string_view message_id = {});
/// syslog(3)'s number for "error", "warn" and "info".
int priority_of(std::string_view level);

}  // namespace jobrun
