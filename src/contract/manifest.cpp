#include "contract/manifest.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/civil.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/manifest_parts.hpp"
#include "contract/manifest_reader.hpp"

namespace jobrun {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t text_limit = 16 * 1024 * 1024;  // 100,000 units with a configuration each fit
constexpr Span longest_timeout = std::chrono::hours(24 * 30);

// What the keys are read into: the manifest, and what only the rules across several keys need.
struct Reading {
  Manifest manifest;
  int handlers = 0;                                    // command, native, http
  int retry_line = 0, window_line = 0;                 // 0: not written
  std::optional<Span> first_delay, max_delay, window;  // as written, where they are durations
};

void not_supported(const Place& place, Reading&) {
  place.fault("is not supported by this version of jobrun");
}

constexpr std::array<Key<Reading>, 6> retry_keys = {{
    {"max_attempts",
     [](const Place& place, Reading& reading) {
       if (const auto read = read_integer(place, 1, 100))
         reading.manifest.retry.max_attempts = static_cast<int>(*read);
     }},
    {"first_delay",
     [](const Place& place, Reading& reading) { reading.first_delay = read_duration(place, 0s); }},
    {"factor", [](const Place& place,
                  Reading& reading) { keep(read_number(place, 1, 100), reading.manifest.retry.factor); }},
    {"max_delay", [](const Place& place, Reading& reading) { reading.max_delay = read_duration(place, 0s); }},
    {"jitter", [](const Place& place,
                  Reading& reading) { keep(read_number(place, 0, 1), reading.manifest.retry.jitter); }},
    {"window",
     [](const Place& place, Reading& reading) {
       reading.window_line = place.value.line();
       reading.window = read_duration(place, 1ms);
     }},
}};

constexpr std::array<Key<Reading>, 2> output_keys = {{
    {"limit",
     [](const Place& place, Reading& reading) {
       if (const auto read = read_integer(place, 0, 1024 * 1024)) {
         reading.manifest.output_limit = static_cast<std::size_t>(*read);
       }
     }},
    {"file_limit",
     [](const Place& place, Reading& reading) {
       if (const auto read = read_integer(place, 0, 1024 * 1024 * 1024)) {
         reading.manifest.output_file_limit = static_cast<std::size_t>(*read);
       }
     }},
}};

void read_native(const Place& place, Reading& reading) {
  ++reading.handlers;
  reading.manifest.handler = Manifest::Handler::native;
  const auto name = read_text(place, 64);
  if (name && !check_job_name(*name))
    place.fault(in_quotes(*name) + " is not a native job's name (a-z 0-9 _ . -)");
  keep(name, reading.manifest.native);
}

void read_runbook(const Place& place, Reading& reading) {
  const auto url = read_text(place, 2000);
  if (!url) return;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (url->size() > scheme.size() && url->compare(0, scheme.size(), scheme) == 0 &&
        url->find(' ') == std::string::npos) {
      reading.manifest.runbook = *url;
      return;
    }
  }
  place.fault(in_quotes(*url) + " is not a web address (write https://...)");
}

void read_timezone(const Place& place, Reading& reading) {
  const auto name = read_text(place, 255);
  if (!name) return;
  const auto zone = Zone::named(*name);
  if (zone) {
    reading.manifest.timezone = *name;
  } else {
    place.fault(zone.error().what());
  }
}

void read_payload(const Place& place, Reading& reading) {
  const auto payload = make_payload(place.value);
  if (!payload) place.fault(payload.error().what());
  reading.manifest.payload = place.value;
}

void read_leftovers(const Place& place, Reading& reading) {
  const std::string& word = place.value.as_string();
  if (word != "kill" && word != "leave") place.fault("must be \"kill\" or \"leave\"");
  reading.manifest.leave_leftovers = word == "leave";
}

template <std::string Manifest::*member, std::size_t limit>
void read_line(const Place& place, Reading& reading) {
  keep(read_text(place, limit), reading.manifest.*member);
}

template <int Manifest::*member, int low, int high>
void read_count(const Place& place, Reading& reading) {
  if (const auto read = read_integer(place, low, high)) reading.manifest.*member = static_cast<int>(*read);
}

template <std::optional<Span> Manifest::*member>
void read_span(const Place& place, Reading& reading) {
  reading.manifest.*member = read_duration(place, 1s);
}

// All keys, in the order of the contract (2.9). The schema for editors is held against this table by a test.
constexpr std::array<Key<Reading>, 32> keys = {{
    {"$schema", [](const Place& place, Reading&) { (void)read_text(place, 2000); }},
    {"description", read_line<&Manifest::description, 1000>},
    {"owner", read_line<&Manifest::owner, 255>},
    {"runbook", read_runbook},
    {"version", read_line<&Manifest::version, 64>},
    {"period", read_span<&Manifest::period>},
    {"fresh_within", read_span<&Manifest::fresh_within>},
    {"timezone", read_timezone},
    {"command",
     [](const Place& place, Reading& reading) {
       ++reading.handlers;
       keep(read_command(place), reading.manifest.command);
     }},
    {"http",
     [](const Place& place, Reading& reading) {
       ++reading.handlers;
       reading.manifest.handler = Manifest::Handler::http;
       read_http(place, reading.manifest.http);
     }},
    {"native", read_native},
    {"config",
     [](const Place& place, Reading& reading) {
       if (expect_object(place)) reading.manifest.config = place.value;
     }},
    {"payload", read_payload},
    {"units", [](const Place& place, Reading& reading) { read_units(place, reading.manifest.units); }},
    {"parallel", read_count<&Manifest::parallel, 1, 256>},
    {"timeout",
     [](const Place& place, Reading& reading) {
       keep(read_duration(place, 1ms, longest_timeout), reading.manifest.timeout);
     }},
    {"grace", [](const Place& place,
                 Reading& reading) { keep(read_duration(place, 0ms, 1h), reading.manifest.grace); }},
    {"retry",
     [](const Place& place, Reading& reading) {
       reading.retry_line = place.value.line();
       read_members(place, retry_keys, reading);
     }},
    {"outcomes",
     [](const Place& place, Reading& reading) { read_outcomes(place, reading.manifest.outcomes); }},
    {"breaker", read_count<&Manifest::breaker, 0, 100'000>},
    {"leftovers", read_leftovers},
    {"overlap", not_supported},
    {"env", [](const Place& place, Reading& reading) { read_env(place, reading.manifest); }},
    {"pass_env", [](const Place& place, Reading& reading) { read_pass_env(place, reading.manifest); }},
    {"secrets", [](const Place& place, Reading& reading) { read_secrets(place, reading.manifest); }},
    {"workdir", read_line<&Manifest::workdir, 4096>},
    {"user", not_supported},
    {"output", [](const Place& place, Reading& reading) { read_members(place, output_keys, reading); }},
    {"success", [](const Place& place, Reading& reading) { read_success(place, reading.manifest.success); }},
    {"alerts",
     [](const Place& place, Reading& reading) { read_alerts(place, reading.manifest.alerts.emplace()); }},
    {"pings",
     [](const Place& place, Reading& reading) { read_pings(place, reading.manifest.pings.emplace()); }},
    {"keep",
     [](const Place& place, Reading& reading) { keep(read_duration(place, 24h), reading.manifest.keep); }},
}};

void check_handler(const Place& root, const Reading& reading) {
  if (reading.handlers == 1) return;
  root.fault(reading.handlers == 0
                 ? "no handler (write \"command\": [...], \"native\": \"...\" or \"http\": {...})"
                 : "more than one handler (keep one of \"command\", \"native\" and \"http\")");
}

// Rules on exits are for programs, rules on statuses for requests; headers name secrets that there are.
void check_http(const Json& root, const Manifest& manifest, Faults& faults) {
  const bool http = manifest.handler == Manifest::Handler::http;
  for (std::size_t i = 0; i < manifest.outcomes.size(); ++i) {
    const OutcomeRule& rule = manifest.outcomes[i];
    const Json& written = root.at("outcomes").items()[i];
    const std::string path = "outcomes[" + std::to_string(i) + "]";
    if (!http && !rule.statuses.empty())
      faults.add(written.line(), path + ".status", "goes with the http handler only");
    if (http && !(rule.exits.empty() && rule.signals.empty()))
      faults.add(written.line(), path, "a request has no exit code and no signal (write \"status\")");
  }
  for (const auto& [name, value] : manifest.http.headers) {
    const auto named = secrets_in(value).value_or(std::vector<std::string>{});
    for (const auto& secret : named)
      if (std::none_of(manifest.secrets.begin(), manifest.secrets.end(),
                       [&](const auto& one) { return one.first == secret; }))
        faults.add(root.at("http").at("headers").at(name).line(), "http.headers." + name,
                   in_quotes(secret) + " is none of the secrets (name it in \"secrets\")");
  }
}

// Takes over the times that were written; a default bows to what was written, so that only that can be wrong.
void settle_times(Reading& reading, Faults& faults) {
  RetryPolicy& retry = reading.manifest.retry;
  const std::optional<Span>& period = reading.manifest.period;
  if (period) retry.window = std::min(retry.window, *period);
  keep(reading.window, retry.window);
  if (period && retry.window > *period) {
    faults.add(reading.window_line, "retry.window",
               "is longer than the period (" + format_duration(retry.window) + " > " +
                   format_duration(*period) + "): two run dates would be tried at once");
  }
  if (reading.first_delay) retry.max_delay = std::max(retry.max_delay, *reading.first_delay);
  if (reading.max_delay) retry.first_delay = std::min(retry.first_delay, *reading.max_delay);
  keep(reading.first_delay, retry.first_delay);
  keep(reading.max_delay, retry.max_delay);
  if (retry.first_delay > retry.max_delay) {
    faults.add(reading.retry_line, "retry.first_delay",
               "is longer than max_delay (" + format_duration(retry.first_delay) + " > " +
                   format_duration(retry.max_delay) + ")");
  }
}

// Two sources for one name: none of them is plainly the right one.
void check_names(const Json& root, const Manifest& manifest, Faults& faults) {
  const auto listed = [](const auto& pairs, std::string_view name) {
    for (const auto& pair : pairs) {
      if (pair.first == name) return true;
    }
    return false;
  };
  for (const auto& [name, reference] : manifest.secrets) {
    if (listed(manifest.env, name)) {
      faults.add(root.at("secrets").at(name).line(), "secrets." + name, "stands in env too (keep one)");
    }
  }
  for (const std::string& name : manifest.pass_env) {
    const bool is_secret = listed(manifest.secrets, name);
    if (!is_secret && !listed(manifest.env, name)) continue;
    faults.add(root.at("pass_env").line(), "pass_env",
               in_quotes(name) + " stands in " + (is_secret ? "secrets" : "env") + " too (keep one)");
  }
}

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace

std::vector<std::string> manifest_key_names(std::string_view object) {
  if (object == "retry") return names_of(retry_keys);
  if (object == "outcomes") return outcome_key_names();
  if (object == "output") return names_of(output_keys);
  if (object == "http") return http_key_names();
  if (object == "success") return success_key_names();
  if (object == "alerts") return alert_key_names();
  if (object == "pings") return ping_key_names();
  std::vector<std::string> names;
  for (const Key<Reading>& key : keys) {
    if (key.read != not_supported) names.emplace_back(key.name);
  }
  return names;
}

std::size_t output_file_limit(const Manifest& manifest) {
  if (manifest.output_limit == 0 || manifest.output_file_limit == 0) return 0;
  return std::max(manifest.output_limit, manifest.output_file_limit);
}

Result<Manifest> parse_manifest(std::string_view job, std::string_view path, std::string_view text) {
  Faults faults(path);
  if (const auto checked = check_job_name(job); !checked) faults.add(0, {}, checked.error().what());
  if (text.size() > text_limit) {
    faults.add(0, {}, "is larger than 16 MiB");
    return faults.error();
  }
  const auto json = Json::parse(text, Json::Comments::allow);
  if (!json) return not_json(path, json.error());

  Reading reading;
  const Place root{*json, {}, faults};
  if (read_members(root, keys, reading)) {
    check_handler(root, reading);
    settle_times(reading, faults);
    check_names(*json, reading.manifest, faults);
    if (faults.none()) check_http(*json, reading.manifest, faults);
  }
  if (!faults.none()) return faults.error();

  Manifest& manifest = reading.manifest;
  manifest.job = job;
  manifest.folder = folder_of(path);
  manifest.text = text;
  if (manifest.alerts)
    for (AlertTarget& target : *manifest.alerts) target.stand_on(manifest.folder);
  if (manifest.handler == Manifest::Handler::http)
    manifest.http_call = Json::object().set("http", json->at("http")).set("outcomes", json->at("outcomes"));
  manifest.hash = sha256_hex(text);
  return std::move(manifest);
}

}  // namespace jobrun
