// JSON values (RFC 8259) with the line each stands on, so that a fault can be pointed at.
// Parsing refuses what readers disagree about: duplicate keys, integers beyond 64 bits, trailing text,
// nesting over 100. Writing never fails: invalid UTF-8 becomes U+FFFD. The only door to nlohmann/json.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace jobrun {

class Json {
 public:
  enum class Kind { null, boolean, integer, number, string, array, object };
  enum class Comments { refuse, allow };  // `//` and `/* */`, for files that people write
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // keeps the order it was written in

  Json() = default;
  Json(std::nullptr_t) {}                                                      // NOLINT: implicit by design
  Json(bool value) : kind_(Kind::boolean), integer_(value ? 1 : 0) {}          // NOLINT
  Json(int value) : kind_(Kind::integer), integer_(value) {}                   // NOLINT
  Json(std::int64_t value) : kind_(Kind::integer), integer_(value) {}          // NOLINT
  Json(double value) : kind_(Kind::number), number_(value) {}                  // NOLINT
  Json(const char* value) : kind_(Kind::string), string_(value) {}             // NOLINT
  Json(std::string value) : kind_(Kind::string), string_(std::move(value)) {}  // NOLINT
  Json(std::string_view value) : kind_(Kind::string), string_(value) {}        // NOLINT
  Json(Array value) : kind_(Kind::array), array_(std::move(value)) {}          // NOLINT
  Json(Object value) : kind_(Kind::object), object_(std::move(value)) {}       // NOLINT
  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  /// Fault::usage with "line 3: ..." where the text is not JSON.
  static Result<Json> parse(std::string_view text, Comments comments = Comments::refuse);
  /// Compact, members in their order, UTF-8.
  std::string dump() const;
  /// Indented by two, for people.
  std::string pretty() const;
  /// Compact with members sorted by name, at every depth: equal values give equal text (for hashes).
  std::string canonical() const;

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_bool() const { return kind_ == Kind::boolean; }
  bool is_integer() const { return kind_ == Kind::integer; }
  bool is_number() const { return kind_ == Kind::number || kind_ == Kind::integer; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }
  /// "an object", "a string", "null", ...: for messages.
  std::string_view kind_phrase() const;

  // Each answers a neutral value (false, 0, "", empty) where the kind is another.
  bool as_bool() const { return kind_ == Kind::boolean && integer_ != 0; }
  std::int64_t as_integer() const { return kind_ == Kind::integer ? integer_ : 0; }
  double as_number() const { return kind_ == Kind::integer ? static_cast<double>(integer_) : number_; }
  const std::string& as_string() const { return string_; }
  const Array& items() const { return array_; }
  const Object& members() const { return object_; }

  /// The member, or a null Json that lives for ever.
  const Json& at(std::string_view name) const;
  bool has(std::string_view name) const;
  /// Sets or replaces a member (turns a null into an object).
  Json& set(std::string name, Json value);
  /// Adds an element (turns a null into an array).
  Json& push(Json value);
  /// Members of `over` replace or extend those of this object, one level deep (job config, then unit config).
  Json merged_with(const Json& over) const;

  /// 1-based line of the value in the text it was parsed from; 0 for values made in code.
  int line() const { return line_; }

  /// Equal values; lines do not count, the order of members does not either.
  bool operator==(const Json& other) const;

 private:
  friend class JsonBuilder;
  Kind kind_ = Kind::null;
  int line_ = 0;
  std::int64_t integer_ = 0;
  double number_ = 0;
  std::string string_;
  Array array_;
  Object object_;
};

/// Null where there is nothing: an empty text, an optional without a value.
inline Json json_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
template <class Value>
Json json_or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace jobrun
