#include "contract/manifest_parts.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/manifest_reader.hpp"

namespace jobrun {

namespace {

bool is_variable(std::string_view name) {
  const auto letter = [](char c) { return is_letter(c) || c == '_'; };
  return !name.empty() && name.size() <= 255 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || is_digit(c); });
}

bool starts_with(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

bool ends_with(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

// False after noting why not.
bool check_variable(const Place& place, std::string_view name) {
  if (!is_variable(name)) {
    place.fault(in_quotes(name) +
                " is not the name of an environment variable (A-Z a-z 0-9 _, no digit first)");
    return false;
  }
  if (starts_with(name, "JOBRUN_") || name == "TRACEPARENT") {
    place.fault(in_quotes(name) + " is set by jobrun itself");
    return false;
  }
  // The dynamic loader and shells take orders from these before a handler's first line.
  constexpr std::array<std::string_view, 5> orders = {"BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS"};
  if (starts_with(name, "LD_") || std::find(orders.begin(), orders.end(), name) != orders.end()) {
    place.fault(in_quotes(name) + " is never handed to a job (it changes what a program or shell executes)");
    return false;
  }
  return true;
}

}  // namespace

void read_env(const Place& place, Manifest& manifest) {
  if (!expect_object(place)) return;
  for (const auto& [name, value] : place.value.members()) {
    const Place member = place.member(name, value);
    if (!check_variable(member, name)) continue;
    if (auto text = read_raw(member, 0)) manifest.env.emplace_back(name, std::move(*text));
  }
}

void read_pass_env(const Place& place, Manifest& manifest) {
  if (!expect_array(place, 0, 1000)) return;
  std::vector<std::string>& names = manifest.pass_env;
  for (std::size_t i = 0; i < place.value.items().size(); ++i) {
    const Place element = place.element(i);
    const auto name = read_text(element, 255);
    if (!name || !check_variable(element, *name)) continue;
    // What one caller happens to have set must not decide what a job loads or whom it talks to.
    if (*name == "PYTHONPATH" || ends_with(*name, "_proxy") || ends_with(*name, "_PROXY")) {
      element.fault(in_quotes(*name) + " is never taken from the caller (set it in env)");
    } else if (std::find(names.begin(), names.end(), *name) != names.end()) {
      element.fault(in_quotes(*name) + " is listed twice");
    } else {
      names.push_back(*name);
    }
  }
}

std::optional<SecretReference> secret_reference(std::string_view text) {
  using Kind = SecretReference::Kind;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view kind = text.substr(0, colon);
  const std::string_view name = text.substr(colon + 1);
  if (name.empty()) return {};
  SecretReference reference{Kind::file, std::string(name), std::string(text)};
  if (kind == "file") return reference;
  if (kind == "env") {
    reference.kind = Kind::environment;
    return is_variable(name) ? std::optional(reference) : std::nullopt;
  }
  // systemd.exec(5): a credential's name is a file name of its own directory.
  reference.kind = Kind::credential;
  const bool is_file_name = name.find('/') == std::string_view::npos && name != "." && name != "..";
  return kind == "credential" && is_file_name ? std::optional(reference) : std::nullopt;
}

void read_secrets(const Place& place, Manifest& manifest) {
  if (!expect_object(place)) return;
  for (const auto& [name, value] : place.value.members()) {
    const Place member = place.member(name, value);
    if (!check_variable(member, name)) continue;
    const auto text = read_text(member, 4096);
    if (!text) continue;
    if (auto reference = secret_reference(*text)) {
      manifest.secrets.emplace_back(name, std::move(*reference));
    } else {
      // The text is not shown: it may be the secret itself.
      member.fault(
          "is not a reference to a secret (write credential:NAME, file:PATH or env:NAME, never the secret)");
    }
  }
}

namespace {

struct Rule {
  OutcomeRule rule;
  bool has_verdict = false;
  bool has_match = false;
};

// One element or an array of them.
void each(const Place& place, void (*read)(const Place&, Rule&), Rule& rule) {
  rule.has_match = true;
  if (!place.value.is_array()) return read(place, rule);
  if (!expect_array(place, 1, 256)) return;
  for (std::size_t i = 0; i < place.value.items().size(); ++i) read(place.element(i), rule);
}

std::optional<OutcomeRule::Range> range_in(const Json& value, std::int64_t low, std::int64_t high) {
  std::optional<std::int64_t> first, last;
  if (value.is_integer() && value.as_integer() >= low && value.as_integer() <= high) {
    first = last = value.as_integer();
  } else if (const auto parts = split(value.as_string(), '-'); parts.size() == 2) {
    first = parse_integer(parts[0], low, high);
    last = parse_integer(parts[1], low, high);
  }
  if (!first || !last || *first > *last) return std::nullopt;
  return OutcomeRule::Range{static_cast<int>(*first), static_cast<int>(*last)};
}

std::string shown(const Json& value) {
  return value.is_string() ? in_quotes(value.as_string()) : value.dump();
}

void read_exit(const Place& place, Rule& rule) {
  if (const auto range = range_in(place.value, 0, 255)) return rule.rule.exits.push_back(*range);
  place.fault(shown(place.value) + " is not an exit code (write 0 to 255, or a range such as \"20-29\")");
}

void read_status(const Place& place, Rule& rule) {
  if (const auto range = range_in(place.value, 100, 599)) return rule.rule.statuses.push_back(*range);
  place.fault(shown(place.value) +
              " is not an HTTP status (write 100 to 599, or a range such as \"500-599\")");
}

void read_signal(const Place& place, Rule& rule) {
  if (const auto number = signal_number(place.value.as_string())) {
    rule.rule.signals.push_back(*number);
  } else {
    place.fault(shown(place.value) + " is not a signal's name (write \"SIGTERM\")");
  }
}

constexpr std::array<Key<Rule>, 7> outcome_keys = {{
    {"exit", [](const Place& place, Rule& rule) { each(place, read_exit, rule); }},
    {"signal", [](const Place& place, Rule& rule) { each(place, read_signal, rule); }},
    {"status", [](const Place& place, Rule& rule) { each(place, read_status, rule); }},
    {"verdict",
     [](const Place& place, Rule& rule) {
       rule.has_verdict = true;
       const auto kind = verdict_kind(place.value.as_string());
       if (!kind) place.fault("must be \"done\", \"retry\" or \"stop\"");
       rule.rule.verdict.kind = kind.value_or(VerdictKind::stop);
     }},
    {"reason",
     [](const Place& place, Rule& rule) {
       if (!is_reason(place.value.as_string())) {
         place.fault("is not a reason code (1 to 64 of a-z 0-9 _ . such as \"rate_limited\")");
       }
       rule.rule.verdict.reason = place.value.as_string();
     }},
    {"pause", [](const Place& place, Rule& rule) { keep(read_bool(place), rule.rule.verdict.pause); }},
    {"message",
     [](const Place& place, Rule& rule) { keep(read_text(place, 1000), rule.rule.verdict.message); }},
}};

}  // namespace

std::vector<std::string> outcome_key_names() {
  return names_of(outcome_keys);
}

void read_outcomes(const Place& place, std::vector<OutcomeRule>& outcomes) {
  if (!expect_array(place, 0, 1000)) return;
  for (std::size_t i = 0; i < place.value.items().size(); ++i) {
    const Place element = place.element(i);
    Rule rule;
    if (!read_members(element, outcome_keys, rule)) continue;
    if (!rule.has_match) element.fault("matches nothing (give it \"exit\", \"signal\" or \"status\")");
    if (!rule.has_verdict) element.fault("has no verdict (\"done\", \"retry\" or \"stop\")");
    if (rule.rule.verdict.pause && rule.rule.verdict.kind != VerdictKind::stop) {
      element.fault("pause goes with the verdict \"stop\" only");
    }
    outcomes.push_back(std::move(rule.rule));
  }
}

namespace {

constexpr std::size_t units_limit = 100'000;

struct Unit {
  UnitSpec spec;
  bool has_id = false;
};

void read_unit_id(const Place& place, Unit& unit) {
  unit.has_id = true;
  if (!place.value.is_string()) {
    place.fault("a unit's id must be a string, not " + std::string(place.value.kind_phrase()));
  } else if (const auto checked = check_unit_id(place.value.as_string()); !checked) {
    place.fault(checked.error().what());
  } else {
    unit.spec.id = place.value.as_string();
  }
}

constexpr std::array<Key<Unit>, 2> unit_keys = {{
    {"id", read_unit_id},
    {"config",
     [](const Place& place, Unit& unit) {
       if (place.value.is_null() || expect_object(place)) unit.spec.config = place.value;
     }},
}};

std::vector<UnitSpec> read_units_list(const Place& place, std::size_t low) {
  std::vector<UnitSpec> units;
  if (!expect_array(place, low, units_limit)) return units;
  units.reserve(place.value.items().size());
  std::unordered_map<std::string_view, int> line_of_id;
  for (std::size_t i = 0; i < place.value.items().size(); ++i) {
    const Place element = place.element(i);
    Unit unit;
    if (element.value.is_object()) {
      read_members(element, unit_keys, unit);
      if (!unit.has_id) element.fault("has no id");
    } else {
      read_unit_id(element, unit);
    }
    if (unit.spec.id.empty()) continue;
    units.push_back(std::move(unit.spec));  // within the reserved space: the views into ids stay good
    const auto [first, is_new] = line_of_id.emplace(units.back().id, element.value.line());
    if (!is_new) {
      element.fault("the unit " + in_quotes(units.back().id) + " is listed twice" +
                    (first->second > 0 ? " (first in line " + std::to_string(first->second) + ")" : ""));
    }
  }
  return units;
}

constexpr std::array<Key<UnitSource>, 2> unit_source_keys = {{
    {"file",
     [](const Place& place, UnitSource& source) {
       source.kind = UnitSource::Kind::file;
       keep(read_text(place, 4096), source.file);
     }},
    {"command",
     [](const Place& place, UnitSource& source) {
       source.kind = UnitSource::Kind::command;
       keep(read_command(place), source.command);
     }},
}};

}  // namespace

void read_units(const Place& place, UnitSource& source) {
  if (place.value.is_array()) {
    source.kind = UnitSource::Kind::list;
    source.list = read_units_list(place, 1);
  } else if (place.value.is_object()) {
    read_members(place, unit_source_keys, source);
    if (place.value.members().size() != 1) place.fault("must have exactly one of \"file\" and \"command\"");
  } else if (place.value.as_string() == "-") {
    source.kind = UnitSource::Kind::standard_input;
  } else {
    place.fault(
        "must be a list of units, {\"file\": \"units.json\"}, {\"command\": [...]} or \"-\" for standard "
        "input");
  }
}

Result<std::vector<UnitSpec>> parse_units(const Json& value, std::string_view where) {
  Faults faults(where);
  std::vector<UnitSpec> units = read_units_list(Place{value, {}, faults}, 0);
  if (!faults.none()) return faults.error();
  return units;
}

}  // namespace jobrun
