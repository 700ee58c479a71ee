#include "cli/html.hpp"

#include "base/text.hpp"

namespace jobrun {

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Html html_lines(std::string_view text) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) {
    if (!out.empty()) out += '\n';
    out += escape_html(line);
  }
  return already_html(std::move(out));
}

bool is_web_address(std::string_view text) {
  if (!text.starts_with("https://") && !text.starts_with("http://")) return false;
  if (text.find("://") + 3 == text.size()) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f || c == '"' ||
        c == '<' || c == '>' || c == '\\' || c == '`')
      return false;
  return true;
}

Html already_html(std::string text) {
  Html made;
  made.text_ = std::move(text);
  return made;
}

}  // namespace jobrun
