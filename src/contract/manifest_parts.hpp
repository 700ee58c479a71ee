// The parts of a manifest that have rules of their own: the environment, the outcomes, the units.
// Each reads one value into its place and notes every fault. Contract 2.5, 2.7, 2.8.
#pragma once

#include <string>
#include <vector>

#include "contract/manifest.hpp"
#include "contract/manifest_reader.hpp"

namespace jobrun {

void read_env(const Place& place, Manifest& manifest);
void read_pass_env(const Place& place, Manifest& manifest);
void read_secrets(const Place& place, Manifest& manifest);
void read_outcomes(const Place& place, std::vector<OutcomeRule>& outcomes);
void read_http(const Place& place, HttpSpec& spec);
/// Relative paths are left as they are: the caller knows the folder (AlertTarget::stand_on).
void read_alerts(const Place& place, std::vector<AlertTarget>& targets);
void read_pings(const Place& place, PingSpec& pings);
void read_success(const Place& place, SuccessCondition& success);
void read_units(const Place& place, UnitSource& source);

std::vector<std::string> outcome_key_names();
std::vector<std::string> http_key_names();
std::vector<std::string> success_key_names();
std::vector<std::string> alert_key_names();
std::vector<std::string> ping_key_names();

/// `credential:NAME`, `file:PATH` or `env:NAME`; nothing for any other text.
std::optional<SecretReference> secret_reference(std::string_view text);
/// The target of a message, as AlertTarget::json wrote it down.
Result<AlertTarget> kept_alert_target(std::string_view text);

/// What the worker that makes the call needs of the manifest.
struct HttpCallSpec {
  HttpSpec http;
  std::vector<OutcomeRule> outcomes;
};
/// `http` and `outcomes` as they stand in the manifest; outcomes may be null.
Result<HttpCallSpec> parse_http_call(const Json& http, const Json& outcomes);

}  // namespace jobrun
