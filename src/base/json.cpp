#include "base/json.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>

#define JSON_NO_IO  // no stream headers, no stream code
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace jobrun {
namespace {

constexpr std::size_t kDeepest = 100;  // a parser that recurses elsewhere must survive what we accept here

/// Where the lexer is. It reads one character beyond a number, so a value stands on the line of the last
/// character that is not blank.
struct Place {
  int line = 1;
  int value_line = 1;

  void pass(char c) {
    if (c == '\n') {
      ++line;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      value_line = line;
    }
  }
};

/// Input iterator that tells `place` what it hands out.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, Place* place) : at_(at), place_(place) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    place_->pass(*at_++);
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Place* place_;
};

/// The second member of a name that `object` has twice, if there is one.
const Json::Member* second_of_a_name(const Json::Object& object) {
  std::vector<const Json::Member*> members;
  members.reserve(object.size());
  for (const Json::Member& member : object) members.push_back(&member);
  std::stable_sort(members.begin(), members.end(), [](auto a, auto b) { return a->first < b->first; });
  const auto twice =
      std::adjacent_find(members.begin(), members.end(), [](auto a, auto b) { return a->first == b->first; });
  return twice == members.end() ? nullptr : *std::next(twice);
}

}  // namespace

/// Builds a Json from nlohmann's events; answers false at the first fault, which stops the parser.
class JsonBuilder {
 public:
  explicit JsonBuilder(const Place& place) : place_(place) {}

  Json& root() { return root_; }
  const std::string& fault() const { return fault_; }

  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(std::int64_t value) { return add(Json(value)); }
  bool number_unsigned(std::uint64_t value) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value > most) return beyond(std::to_string(value));
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(double value, const std::string& text) {
    // nlohmann turns an integer that it can't hold into a double; that would change it silently.
    if (text.find_first_of(".eE") == std::string::npos) return beyond(text);
    return add(Json(value));
  }
  bool string(std::string& value) { return add(Json(std::move(value))); }
  bool binary(std::vector<std::uint8_t>&) { return false; }  // not in JSON text

  bool key(std::string& name) {
    open_.back()->object_.emplace_back(std::move(name), Json());
    return true;
  }
  bool start_object(std::size_t) { return start(Json::object()); }
  bool end_object() {
    const Json::Member* twice = second_of_a_name(open_.back()->object_);
    if (twice != nullptr) return stop(twice->second.line(), in_quotes(twice->first) + " is there twice");
    return end();
  }
  bool start_array(std::size_t) { return start(Json::array()); }
  bool end_array() { return end(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 3, column 7: syntax error while ..."
    std::string_view what = error.what();
    constexpr std::string_view before = "parse error at ";
    const std::size_t found = what.find(before);
    if (found != std::string_view::npos) {
      fault_ = printable(clip(what.substr(found + before.size()), 240));
      return false;
    }
    const std::size_t bracket = what.find("] ");
    if (bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
    return stop(place_.value_line, printable(clip(what, 240)));
  }

 private:
  /// Puts `value` where the parser is, and answers where it now lives. The address holds as long as the
  /// value is open: only its own parent could move it, and that grows again after it is closed.
  Json* put(Json value) {
    value.line_ = place_.value_line;
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) return &parent.array_.emplace_back(std::move(value));
    Json& member = parent.object_.back().second;
    member = std::move(value);
    return &member;
  }
  bool add(Json value) {
    put(std::move(value));
    return true;
  }
  bool start(Json value) {
    if (open_.size() >= kDeepest) {
      return stop(place_.value_line, "the nesting is deeper than " + std::to_string(kDeepest) + " levels");
    }
    open_.push_back(put(std::move(value)));
    return true;
  }
  bool end() {
    open_.pop_back();
    return true;
  }
  bool beyond(const std::string& number) {
    return stop(place_.value_line, clip(number, 60) + " is beyond 64 bits");
  }
  bool stop(int line, const std::string& why) {
    fault_ = "line " + std::to_string(line) + ": " + why;
    return false;
  }

  const Place& place_;
  Json root_;
  std::vector<Json*> open_;
  std::string fault_;
};

Result<Json> Json::parse(std::string_view text, Comments comments) {
  // nlohmann takes NUL for the end of the text and would not look at what follows it.
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    return usage_error("line " + std::to_string(line) + ": a NUL byte has no place in JSON");
  }
  try {
    Place place;
    JsonBuilder builder(place);
    const bool parsed = nlohmann::json::sax_parse(
        CountingIterator(text.data(), &place), CountingIterator(text.data() + text.size(), &place), &builder,
        nlohmann::json::input_format_t::json, true, comments == Comments::allow);
    if (!parsed) return usage_error(builder.fault());
    return std::move(builder.root());
  } catch (const std::exception& error) {
    return Error(Fault::internal, std::string("parse JSON: ") + error.what());
  }
}

std::string_view Json::kind_phrase() const {
  switch (kind_) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::number:
      return "a number";
    case Kind::string:
      return "a string";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  std::abort();  // a broken invariant: no such kind
}

const Json& Json::at(std::string_view name) const {
  static const Json nothing;
  for (const Member& member : object_) {
    if (member.first == name) return member.second;
  }
  return nothing;
}

bool Json::has(std::string_view name) const {
  return std::any_of(object_.begin(), object_.end(),
                     [&](const Member& member) { return member.first == name; });
}

Json& Json::set(std::string name, Json value) {
  if (kind_ == Kind::null) kind_ = Kind::object;
  if (kind_ != Kind::object) std::abort();  // a broken invariant: a member of something without members
  for (Member& member : object_) {
    if (member.first != name) continue;
    member.second = std::move(value);
    return *this;
  }
  object_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (kind_ == Kind::null) kind_ = Kind::array;
  if (kind_ != Kind::array) std::abort();  // a broken invariant: an element of something without elements
  array_.push_back(std::move(value));
  return *this;
}

Json Json::merged_with(const Json& over) const {
  if (!over.is_object()) return *this;
  if (!is_object()) return over;
  Json merged = *this;
  for (const auto& [name, value] : over.object_) merged.set(name, value);
  return merged;
}

}  // namespace jobrun
