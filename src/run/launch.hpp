// How a unit's attempt is launched: program, arguments, environment, files. Contract 2.8 (what a handler
// gets). Builds a ChildSpec and starts nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "contract/manifest.hpp"
#include "handler/child.hpp"
#include "run/catalog.hpp"
#include "run/world.hpp"

namespace jobrun {

struct Launch {
  const Manifest& manifest;
  const Run& run;
  const Unit& unit;
  int attempt = 0;
  std::string cursor;
  Instant now;
  const std::vector<Secret>& secrets;
  std::string socket;  ///< the channel's path
  std::string folder;  ///< private, for the payload's and the config's files
  int lease = -1;
};

Result<ChildSpec> child_spec(const Launch& launch, const Environment& environment);
/// NAME=value that every process of this attempt has in its environment, and no other.
std::string attempt_marker(const Run& run, const Unit& unit, int attempt);
/// A helper command of the manifest (units), with the job's environment but no secrets.
Result<ChildSpec> plain_command(const Manifest& manifest, const std::vector<std::string>& argv,
                                const Environment& environment);
/// A command that belongs to no job's attempt: the allow-list of the environment, its own folder to work in.
ChildSpec bare_command(const std::vector<std::string>& argv, const Environment& environment);
/// The manifest's config with the unit's over it; null where there is none.
Json unit_config(const Manifest& manifest, const Unit& unit);
/// The file that child_spec wrote for this attempt; empty where it has none.
std::string config_file(const std::string& folder, const Unit& unit);

}  // namespace jobrun
