// HTML from a pattern and its values: what is no Html already is escaped, so that nothing can be forgotten.
// Promises that control and bidi characters are shown as text and that an attribute in double quotes holds
// whatever is put into it. Knows no report, and does not check that the patterns themselves are well-formed.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/format.hpp"

namespace jobrun {

/// Text that is HTML: made of literals, of escaped text and of other Html.
class Html {
 public:
  Html() = default;
  /// A literal of this program; never text from outside.
  template <std::size_t length>
  explicit Html(const char (&literal)[length]) : text_(literal, length - 1) {}

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  Html& operator+=(const Html& more) {
    text_ += more.text_;
    return *this;
  }

 private:
  friend Html already_html(std::string text);
  std::string text_;
};

/// One line, safe in an element and in an attribute in double quotes: printable(), then & < > " ' as
/// references.
std::string escape_html(std::string_view text);
/// Several lines, each escaped, with line feeds between: for <pre>.
Html html_lines(std::string_view text);
/// True for text that may stand in an href: an absolute http or https URL without blanks or control
/// characters.
bool is_web_address(std::string_view text);

/// For html() and html_lines() alone: text whose every part was escaped.
Html already_html(std::string text);

template <class Value>
auto in_html(const Value& value) {
  if constexpr (std::is_arithmetic_v<Value>)
    return value;
  else if constexpr (std::is_same_v<Value, Html>)
    return value.text();
  else
    return escape_html(value);
}

/// fmt's pattern, a literal; text among the values is escaped, Html and numbers stand as they are.
template <class... Values>
Html html(fmt::format_string<decltype(in_html(std::declval<const Values&>()))...> pattern,
          const Values&... values) {
  return already_html(fmt::format(pattern, in_html(values)...));
}

}  // namespace jobrun
