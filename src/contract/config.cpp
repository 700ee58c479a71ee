#include "contract/config.hpp"

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "contract/manifest_parts.hpp"
#include "contract/manifest_reader.hpp"

namespace jobrun {
namespace {

std::optional<std::string> read_absolute_path(const Place& place) {
  auto path = read_text(place, 4096);
  if (!path || path->starts_with('/')) return path;
  place.fault(in_quotes(*path) + " is not an absolute path");
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

constexpr std::array<Key<Config>, 1> log_keys = {{
    {"format",
     [](const Place& place, Config& config) {
       const auto word = read_text(place, 16);
       const std::string_view words[] = {"auto", "text", "logfmt", "json"};
       if (word && std::find(std::begin(words), std::end(words), *word) == std::end(words))
         place.fault(in_quotes(*word) + " is not one of auto, text, logfmt and json");
       keep(word, config.log_format);
     }},
}};

constexpr std::array<Key<Config>, 1> otlp_keys = {{
    {"endpoint",
     [](const Place& place, Config& config) {
       const auto url = read_text(place, 2000);
       if (url && !url->starts_with("http://") && !url->starts_with("https://"))
         place.fault(in_quotes(*url) + " is not a web address (write http://localhost:4318)");
       keep(url, config.otlp_endpoint);
     }},
}};

constexpr std::array<Key<Config>, 2> ages = {{
    {"attempts", [](const Place& place,
                    Config& config) { config.keep_attempts = read_duration(place, Config::shortest_age); }},
    {"keys", [](const Place& place,
                Config& config) { config.keep_keys = read_duration(place, Config::shortest_age); }},
}};

constexpr std::array<Key<Config>, 6> keys = {{
    {"ledger", read_ledger},
    {"jobs", [](const Place& place, Config& config) { keep(read_absolute_path(place), config.jobs); }},
    {"log", [](const Place& place, Config& config) { read_members(place, log_keys, config); }},
    {"otlp", [](const Place& place, Config& config) { read_members(place, otlp_keys, config); }},
    {"alerts", [](const Place& place, Config& config) { read_alerts(place, config.alerts); }},
    {"keep", [](const Place& place, Config& config) { read_members(place, ages, config); }},
}};

}  // namespace

Result<void> read_config(std::string_view path, std::string_view text, Config& config) {
  Faults faults(path);
  const auto json = Json::parse(text, Json::Comments::allow);
  if (!json) return not_json(path, json.error());
  if (read_members(Place{*json, {}, faults}, keys, config))
    for (const auto& [name, value] : json->members()) config.said_by[name] = path;
  if (!faults.none()) return faults.error();
  if (json->has("alerts"))
    for (AlertTarget& target : config.alerts) target.stand_on(path_folder(path));
  return {};
}

std::vector<std::string> config_key_names(std::string_view object) {
  if (object == "log") return names_of(log_keys);
  if (object == "otlp") return names_of(otlp_keys);
  return names_of(keys);
}

}  // namespace jobrun
