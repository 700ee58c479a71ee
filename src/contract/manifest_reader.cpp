#include "contract/manifest_reader.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "contract/envelope.hpp"

namespace jobrun {
namespace {

constexpr std::size_t faults_shown = 50;
constexpr std::size_t raw_limit = 64 * 1024;  // Linux takes 128 KiB per argument (MAX_ARG_STRLEN, execve(2))
constexpr std::size_t arguments_limit = 1000;

std::string must_be(std::string_view what, const Json& value) {
  return "must be " + std::string(what) + ", not " + std::string(value.kind_phrase());
}

// 2 is written "2", 0.5 "0.5": only bounds of our own tables come here.
std::string bound(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string bytes_allowed(std::size_t size, std::size_t low, std::size_t high) {
  return "has " + std::to_string(size) + " bytes (allowed: " + std::to_string(low) + " to " +
         std::to_string(high) + ")";
}

}  // namespace

void Faults::add(int line, std::string_view path, std::string_view what) {
  std::string text = file_;
  if (line > 0) text += ":" + std::to_string(line);
  text += ": ";
  if (!path.empty()) text.append(path).append(": ");
  text += what;
  faults_.emplace_back(line, std::move(text));
}

Error Faults::error() const {
  auto ordered = faults_;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> lines;
  for (const auto& [line, text] : ordered) {
    if (lines.size() == faults_shown) {
      lines.push_back(file_ + ": and " + std::to_string(ordered.size() - faults_shown) + " more");
      break;
    }
    lines.push_back(text);
  }
  return Error(Fault::setup, join(lines, "\n"));
}

// Json says "line 3: ..." or "line 3, column 7: ..."; a manifest's fault says "FILE:3: ...".
Error not_json(std::string_view path, const Error& error) {
  std::string_view what = error.what();
  constexpr std::string_view lead = "line ";
  int line = 0;
  if (what.substr(0, lead.size()) == lead) {
    const std::size_t end = std::min(what.find_first_of(":,"), what.size());
    const auto number = parse_integer(what.substr(lead.size(), end - lead.size()), 1, 1'000'000'000);
    if (number && end < what.size()) {
      line = static_cast<int>(*number);
      what = trim(what.substr(end + 1));
    }
  }
  Faults faults(path);
  faults.add(line, {}, what);
  return faults.error();
}

Place Place::member(std::string_view name, const Json& of) const {
  const std::string shown = printable(clip(name, 64));
  return Place{of, path.empty() ? shown : path + "." + shown, faults};
}

Place Place::element(std::size_t index) const {
  return Place{value.items()[index], path + "[" + std::to_string(index) + "]", faults};
}

std::optional<std::string> read_text(const Place& place, std::size_t limit) {
  if (!place.value.is_string()) {
    place.fault(must_be("a string", place.value));
    return {};
  }
  const std::string& text = place.value.as_string();
  if (text.empty() || text.size() > limit) {
    place.fault(bytes_allowed(text.size(), 1, limit));
    return {};
  }
  if (!is_plain_text(text)) {
    place.fault(in_quotes(text) + " has control characters");
    return {};
  }
  return text;
}

std::optional<std::string> read_raw(const Place& place, std::size_t low) {
  if (!place.value.is_string()) {
    place.fault(must_be("a string", place.value));
    return {};
  }
  const std::string& text = place.value.as_string();
  if (text.size() < low || text.size() > raw_limit) {
    place.fault(bytes_allowed(text.size(), low, raw_limit));
    return {};
  }
  if (text.find('\0') != std::string::npos) {
    place.fault("has a NUL character, which no process can be given");
    return {};
  }
  return text;
}

std::optional<std::int64_t> read_integer(const Place& place, std::int64_t low, std::int64_t high) {
  const std::string wanted = "an integer from " + std::to_string(low) + " to " + std::to_string(high);
  if (!place.value.is_integer()) {
    place.fault(must_be(wanted, place.value));
    return {};
  }
  const std::int64_t value = place.value.as_integer();
  if (value < low || value > high) {
    place.fault(std::to_string(value) + " is not " + wanted);
    return {};
  }
  return value;
}

std::optional<double> read_number(const Place& place, double low, double high) {
  const std::string wanted = "a number from " + bound(low) + " to " + bound(high);
  if (!place.value.is_number()) {
    place.fault(must_be(wanted, place.value));
    return {};
  }
  const double value = place.value.as_number();
  if (!(value >= low && value <= high)) {
    place.fault(place.value.dump() + " is not " + wanted);
    return {};
  }
  return value;
}

std::optional<bool> read_bool(const Place& place) {
  if (place.value.is_bool()) return place.value.as_bool();
  place.fault(must_be("true or false", place.value));
  return {};
}

std::optional<Span> read_duration(const Place& place, Span low, Span high) {
  if (!place.value.is_string()) {
    place.fault(must_be("a duration such as \"90s\", \"10m\", \"6h\" or \"2d\"", place.value));
    return {};
  }
  const auto span = parse_duration(place.value.as_string());
  if (!span) {
    place.fault(span.error().what());
    return {};
  }
  if (*span < low) {
    place.fault(in_quotes(place.value.as_string()) + " is too short (at least " + format_duration(low) + ")");
    return {};
  }
  if (*span > high) {
    place.fault(in_quotes(place.value.as_string()) + " is too long (at most " + format_duration(high) + ")");
    return {};
  }
  return *span;
}

std::optional<std::vector<std::string>> read_command(const Place& place) {
  if (place.value.is_string()) {
    place.fault("must be an array of arguments such as [\"./sync.py\", \"--full\"]; no shell reads it");
    return {};
  }
  if (!expect_array(place, 1, arguments_limit)) return {};
  std::vector<std::string> command;
  for (std::size_t i = 0; i < place.value.items().size(); ++i) {
    if (auto argument = read_raw(place.element(i), 1)) command.push_back(std::move(*argument));
  }
  if (command.size() != place.value.items().size()) return {};
  return command;
}

bool expect_object(const Place& place) {
  if (place.value.is_object()) return true;
  place.fault(must_be("an object", place.value));
  return false;
}

bool expect_array(const Place& place, std::size_t low, std::size_t high) {
  if (!place.value.is_array()) {
    place.fault(must_be("an array", place.value));
    return false;
  }
  const std::size_t count = place.value.items().size();
  if (count >= low && count <= high) return true;
  place.fault(count == 0
                  ? "is empty (leave it out, or list at least one)"
                  : "has " + std::to_string(count) + " elements (at most " + std::to_string(high) + ")");
  return false;
}

void unknown_key(const Place& place, std::string_view name, const std::vector<std::string>& known) {
  const auto near = nearest(name, known);
  if (near) {
    place.fault("unknown key; did you mean \"" + *near + "\"?");
  } else {
    place.fault("unknown key (known are " + join(known, " ") + ")");
  }
}

}  // namespace jobrun
