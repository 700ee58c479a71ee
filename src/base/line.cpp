#include "base/line.hpp"

#include "base/civil.hpp"
#include "base/json.hpp"
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

std::string logfmt_line(Instant at, std::string_view level, std::string_view message,
                        const LogFields& fields) {
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

namespace {

bool is_number(std::string_view key) {
  return key == "attempt" || key.ends_with("_ms");
}

}  // namespace

std::string json_line(Instant at, std::string_view level, std::string_view message, const LogFields& fields) {
  Json json = Json::object().set("ts", format_instant(at)).set("level", level).set("msg", to_utf8(message));
  for (const auto& [key, value] : fields) {
    const auto number = is_number(key) ? parse_integer(value, 0, INT64_MAX) : std::nullopt;
    json.set(std::string(key), number ? Json(*number) : Json(to_utf8(value)));
  }
  return json.dump();
}

int priority_of(std::string_view level) {
  return level == "error" ? 3 : level == "warn" ? 4 : 6;
}

namespace {

/// `NAME=value\n`; where the value has a newline, the name, its length as 64 bits little-endian, and the
/// value.
void append_field(std::string& entry, std::string_view name, std::string_view value) {
  entry += name;
  if (value.find('\n') == std::string_view::npos) {
    entry += '=';
  } else {
    entry += '\n';
    for (int byte = 0; byte < 8; ++byte)
      entry += static_cast<char>((std::uint64_t{value.size()} >> (8 * byte)) & 0xff);
  }
  entry.append(value).append("\n");
}

}  // namespace

std::string journal_entry(std::string_view level, std::string_view message, const LogFields& fields,
                          std::string_view message_id) {
  std::string entry;
  append_field(entry, "MESSAGE", message);
  append_field(entry, "PRIORITY", std::to_string(priority_of(level)));
  append_field(entry, "SYSLOG_IDENTIFIER", "jobrun");
  if (!message_id.empty()) append_field(entry, "MESSAGE_ID", message_id);
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    std::string name = "JOBRUN_";
    for (const char c : key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    append_field(entry, name, value);
  }
  return entry;
}

}  // namespace jobrun
