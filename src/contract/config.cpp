#include "contract/config.hpp"

#include <array>

#include "base/json.hpp"
#include "contract/manifest_reader.hpp"

namespace jobrun {
namespace {

std::optional<std::string> read_absolute_path(const Place& place) {
  auto path = read_text(place, 4096);
  if (!path || path->starts_with('/')) return path;
  place.fault(quoted(*path) + " is not an absolute path");
  return {};
}

void read_ledger(const Place& place, Config& config) {
  // A person's file that moves the ledger would split what is known in two.
  if (const auto before = config.said_by.find("ledger"); before != config.said_by.end()) {
    place.fault("the ledger is named by " + before->second + " already");
    return;
  }
  keep(read_absolute_path(place), config.ledger);
}

constexpr std::array<Key<Config>, 2> keys = {{
    {"ledger", read_ledger},
    {"jobs", [](const Place& place, Config& config) { keep(read_absolute_path(place), config.jobs); }},
}};

}  // namespace

Result<void> read_config(std::string_view path, std::string_view text, Config& config) {
  Faults faults(path);
  const auto json = Json::parse(text, Json::Comments::allow);
  if (!json) return not_json(path, json.error());
  if (read_members(Place{*json, {}, faults}, keys, config))
    for (const auto& [name, value] : json->members()) config.said_by[name] = path;
  if (!faults.none()) return faults.error();
  return {};
}

std::vector<std::string> config_key_names() {
  return names_of(keys);
}

}  // namespace jobrun
