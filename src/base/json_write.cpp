// JSON values as text, and their equality: the two live together because canonical() promises equal text for
// equal values. json.cpp reads.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/json.hpp"
#include "base/text.hpp"

namespace jobrun {
namespace {

using Members = std::vector<const Json::Member*>;

/// Members by name; equal names in the order they were written.
Members by_name(const Json::Object& object) {
  Members members;
  members.reserve(object.size());
  for (const Json::Member& member : object) members.push_back(&member);
  std::stable_sort(members.begin(), members.end(),
                   [](const Json::Member* a, const Json::Member* b) { return a->first < b->first; });
  return members;
}

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view named = "\"\\\n\r\t\b\f";
  constexpr std::string_view letters = "\"\\nrtbf";
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') {
      out += c;
      continue;
    }
    const std::size_t short_form = named.find(c);
    if (short_form != std::string_view::npos) {
      out += '\\';
      out += letters[short_form];
    } else {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 0x0f];
    }
  }
  out += '"';
}

/// The integer that `number` is, if it is one that 64 bits hold.
std::optional<std::int64_t> as_whole(double number) {
  if (!(number >= -0x1p63 && number < 0x1p63) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

void write_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";  // RFC 8259 6 has no NaN and no infinity
    return;
  }
  std::array<char, 32> digits{};
  const auto [end, fault] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  // Keeps its kind when it is read back.
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

class Writer {
 public:
  enum class Form { compact, pretty, canonical };
  explicit Writer(Form form) : form_(form) {}

  std::string written(const Json& value) {
    write(value);
    return std::move(out_);
  }

 private:
  void write(const Json& value) {
    switch (value.kind()) {
      case Json::Kind::null:
        out_ += "null";
        break;
      case Json::Kind::boolean:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Json::Kind::integer:
        out_ += std::to_string(value.as_integer());
        break;
      case Json::Kind::number:
        write_double(value.as_number());
        break;
      case Json::Kind::string:
        write_text(value.as_string());
        break;
      case Json::Kind::array:
        write_array(value.items());
        break;
      case Json::Kind::object:
        write_object(value.members());
        break;
    }
  }

  void write_double(double number) {
    // 1.0 equals 1, so that their canonical text has to be one.
    const auto whole = form_ == Form::canonical ? as_whole(number) : std::nullopt;
    if (whole) {
      out_ += std::to_string(*whole);
    } else {
      write_number(out_, number);
    }
  }

  void write_text(std::string_view text) {
    if (is_utf8(text)) {
      write_string(out_, text);
    } else {
      write_string(out_, to_utf8(text));
    }
  }

  void write_array(const Json::Array& items) {
    if (items.empty()) {
      out_ += "[]";
      return;
    }
    out_ += '[';
    ++depth_;
    bool first = true;
    for (const Json& item : items) {
      next_line(first);
      write(item);
    }
    --depth_;
    last_line();
    out_ += ']';
  }

  void write_object(const Json::Object& members) {
    if (members.empty()) {
      out_ += "{}";
      return;
    }
    out_ += '{';
    ++depth_;
    bool first = true;
    if (form_ == Form::canonical) {
      for (const Json::Member* member : by_name(members)) write_member(*member, first);
    } else {
      for (const Json::Member& member : members) write_member(member, first);
    }
    --depth_;
    last_line();
    out_ += '}';
  }

  void write_member(const Json::Member& member, bool& first) {
    next_line(first);
    write_text(member.first);
    out_ += form_ == Form::pretty ? ": " : ":";
    write(member.second);
  }

  void next_line(bool& first) {
    if (!first) out_ += ',';
    first = false;
    last_line();
  }

  void last_line() {
    if (form_ != Form::pretty) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  const Form form_;
  std::size_t depth_ = 0;
  std::string out_;
};

bool same_number(const Json& a, const Json& b) {
  if (a.is_integer() && b.is_integer()) return a.as_integer() == b.as_integer();
  if (!a.is_integer() && !b.is_integer()) return a.as_number() == b.as_number();
  const Json& integer = a.is_integer() ? a : b;
  const Json& number = a.is_integer() ? b : a;
  return as_whole(number.as_number()) == integer.as_integer();
}

bool same_members(const Json::Object& a, const Json::Object& b) {
  if (a.size() != b.size()) return false;
  const Members left = by_name(a);
  const Members right = by_name(b);
  return std::equal(left.begin(), left.end(), right.begin(),
                    [](const Json::Member* x, const Json::Member* y) { return *x == *y; });
}

}  // namespace

std::string Json::dump() const {
  return Writer(Writer::Form::compact).written(*this);
}
std::string Json::pretty() const {
  return Writer(Writer::Form::pretty).written(*this);
}
std::string Json::canonical() const {
  return Writer(Writer::Form::canonical).written(*this);
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number()) return same_number(*this, other);
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return integer_ == other.integer_;
    case Kind::string:
      return string_ == other.string_;
    case Kind::array:
      return array_ == other.array_;
    case Kind::object:
      return same_members(object_, other.object_);
    case Kind::integer:
    case Kind::number:
      break;  // compared above
  }
  return false;
}

}  // namespace jobrun
