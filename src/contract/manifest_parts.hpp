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
void read_units(const Place& place, UnitSource& source);

std::vector<std::string> outcome_key_names();

}  // namespace jobrun
