// The catalogue: a job's manifest, its list of units, its secrets.
// Checks that each file may be trusted. Writes nothing and caches nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "contract/manifest.hpp"
#include "run/world.hpp"

namespace jobrun {

/// Fault::setup with all faults of the manifest; an unknown job names the nearest one.
Result<Manifest> load_manifest(const std::string& jobs_folder, const std::string& job);
/// The text of a manifest, parsed; its native job must be one of ours.
Result<Manifest> check_manifest(const std::string& job, const std::string& path, const std::string& text);
/// Faulty or not; false where it was taken away, or never was.
bool has_manifest(const std::string& jobs_folder, const std::string& job);
/// Names of all manifests, faulty ones included, sorted.
std::vector<std::string> job_names(const std::string& jobs_folder);

/// The units of a new run. Runs the manifest's units command, or reads standard input, where it says so.
Result<std::vector<UnitSpec>> list_units(const Manifest& manifest, const Environment& environment);

/// The value behind a reference; a relative file stands in `folder`. Fault::setup, without the value.
Result<std::string> secret_value(const SecretReference& secret, const std::string& folder,
                                 const Environment& environment);

struct Secret {
  std::string name, value;
};
/// Fault::setup that names the reference, never the value.
Result<std::vector<Secret>> resolve_secrets(const Manifest& manifest, const Environment& environment);

}  // namespace jobrun
