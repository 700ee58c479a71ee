// What manifest.cpp and config.cpp are written with: the list of faults, typed readers of one value, tables
// of an object's keys. A reader that finds a fault notes it and answers nothing; the reading goes on, so that
// all faults are found at once. Knows no field of either.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace jobrun {

class Faults {
 public:
  /// `file` leads every fault.
  explicit Faults(std::string_view file) : file_(file) {}

  /// `line` 0 and an empty `path` are left out of the text.
  void add(int line, std::string_view path, std::string_view what);
  bool none() const { return faults_.empty(); }
  /// Fault::setup, one fault per line in the order of the file, at most fifty and the count of the others.
  Error error() const;

 private:
  std::string file_;
  std::vector<std::pair<int, std::string>> faults_;
};

/// The one fault of a file that is no JSON at all; `error` is the parser's.
Error not_json(std::string_view path, const Error& error);

/// A value of the manifest and where it stands: "retry.window".
struct Place {
  const Json& value;
  std::string path;
  Faults& faults;

  void fault(std::string_view what) const { faults.add(value.line(), path, what); }
  Place member(std::string_view name, const Json& of) const;
  Place element(std::size_t index) const;
};

/// 1 to `limit` bytes without control characters.
std::optional<std::string> read_text(const Place& place, std::size_t limit);
/// Text for a process (an argument, an environment value): `low` to 64 KiB, anything but NUL.
std::optional<std::string> read_raw(const Place& place, std::size_t low);
std::optional<std::int64_t> read_integer(const Place& place, std::int64_t low, std::int64_t high);
std::optional<double> read_number(const Place& place, double low, double high);
std::optional<bool> read_bool(const Place& place);
std::optional<Span> read_duration(const Place& place, Span low, Span high = Span::max());
/// A non-empty array of non-empty arguments.
std::optional<std::vector<std::string>> read_command(const Place& place);
/// True where the value is an object (an array); else that is a fault.
bool expect_object(const Place& place);
bool expect_array(const Place& place, std::size_t low, std::size_t high);

template <class Value>
void keep(std::optional<Value> read, Value& into) {
  if (read) into = std::move(*read);
}

/// One key of an object and who reads it.
template <class Target>
struct Key {
  std::string_view name;
  void (*read)(const Place& place, Target& target);
};

/// Notes a key that is in no table: "unknown key; did you mean ...?".
void unknown_key(const Place& place, std::string_view name, const std::vector<std::string>& known);

template <class Table>
std::vector<std::string> names_of(const Table& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.emplace_back(key.name);
  return names;
}

/// Hands every member to the key that reads it. False where the value is no object.
template <class Target, std::size_t count>
bool read_members(const Place& place, const std::array<Key<Target>, count>& keys, Target& target) {
  if (!expect_object(place)) return false;
  for (const auto& [name, value] : place.value.members()) {
    const Place member = place.member(name, value);
    bool known = false;
    for (const Key<Target>& key : keys) {
      if (key.name != name) continue;
      key.read(member, target);
      known = true;
    }
    if (!known) unknown_key(member, name, names_of(keys));
  }
  return true;
}

}  // namespace jobrun
