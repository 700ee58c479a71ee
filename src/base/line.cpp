#include "base/line.hpp"

#include "base/civil.hpp"
#include "base/text.hpp"

namespace jobrun {
namespace {

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '=' || c == '"') return true;
  }
  return false;
}

void append_value(std::string& line, std::string_view value) {
  if (!needs_quotes(value)) {
    line += printable(value);
    return;
  }
  // Backslashes are doubled before printable() writes its own, so that `\n` in the line always means a
  // newline.
  std::string escaped;
  escaped.reserve(value.size() + 2);
  for (char c : value) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  line += '"';
  line += printable(escaped);
  line += '"';
}

}  // namespace

std::string log_line(Instant at, std::string_view level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line = "ts=" + format_instant(at);
  line += " level=";
  append_value(line, level);
  line += " msg=";
  append_value(line, message);
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    append_value(line, value);
  }
  return line;
}

}  // namespace jobrun
