#include "run/catalog.hpp"

#include <unistd.h>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "handler/capture.hpp"
#include "handler/worker.hpp"
#include "run/launch.hpp"

namespace jobrun {

namespace {

constexpr std::size_t manifest_limit = 16 * 1024 * 1024;
constexpr std::size_t units_limit = 64 * 1024 * 1024;
constexpr std::size_t secret_limit = 1024 * 1024;  // as systemd's credentials
constexpr Span units_timeout = std::chrono::minutes(1);

bool holds_array(const std::string& path) {
  auto text = read_file(path, units_limit);
  if (!text) return false;
  const auto first = text->find_first_not_of(" \t\r\n");
  if (first != std::string::npos &&
      (*text)[first] == '/') {  // a comment: only the parser knows where it ends
    auto json = Json::parse(*text, Json::Comments::allow);
    return json && json->is_array();
  }
  return first != std::string::npos && (*text)[first] == '[';
}

}  // namespace

std::vector<std::string> job_names(const std::string& jobs_folder) {
  std::vector<std::string> names = list_folder(jobs_folder, ".json");
  std::erase(names, "job.schema.json");
  // Lists of units stand beside the manifests that name them; they are arrays.
  std::erase_if(names, [&](const std::string& name) { return holds_array(path_join(jobs_folder, name)); });
  for (auto& name : names) name.resize(name.size() - 5);
  return names;
}

bool has_manifest(const std::string& jobs_folder, const std::string& job) {
  return exists(path_join(jobs_folder, job + ".json"));
}

Result<Manifest> load_manifest(const std::string& jobs_folder, const std::string& job) {
  const std::string path = path_join(jobs_folder, job + ".json");
  if (!exists(path)) {
    if (!exists(jobs_folder))
      return Error(Fault::setup, "there is no jobs directory " + jobs_folder,
                   "make it, or name one with --jobs or JOBRUN_JOBS");
    const auto near = nearest(job, job_names(jobs_folder));
    return Error(Fault::setup, "unknown job " + job + " (there is no " + path + ")",
                 near ? "did you mean " + *near + "?" : "`jobrun jobs` lists those there are");
  }
  if (auto trusted = check_trusted_folder(jobs_folder); !trusted)
    return trusted.error().during("jobs directory");
  if (auto trusted = check_trusted_file(path); !trusted) return trusted.error().during("manifest");
  auto text = read_file(path, manifest_limit);
  if (!text) return text.error();
  return check_manifest(job, path, *text);
}

Result<Manifest> check_manifest(const std::string& job, const std::string& path, const std::string& text) {
  auto manifest = parse_manifest(job, path, text);
  if (!manifest || manifest->handler != Manifest::Handler::native ||
      find_native_job(manifest->native) != nullptr)
    return manifest;
  return Error(Fault::setup, fmt::format("{}: native: this jobrun has no native job {} (it has {})", path,
                                         printable(manifest->native), join(native_job_names(), ", ")));
}

Result<std::vector<UnitSpec>> list_units(const Manifest& manifest, const Environment& environment) {
  const auto parsed = [](const Result<std::string>& text,
                         const std::string& where) -> Result<std::vector<UnitSpec>> {
    if (!text) return text.error().during("units");
    auto json = Json::parse(*text, Json::Comments::allow);
    if (!json) return Error(Fault::setup, where + ": " + json.error().what());
    return parse_units(*json, where);
  };
  switch (manifest.units.kind) {
    case UnitSource::Kind::single:
      return std::vector<UnitSpec>{{"-", {}}};
    case UnitSource::Kind::list:
      return manifest.units.list;
    case UnitSource::Kind::file: {
      const std::string path = path_join(manifest.folder, manifest.units.file);
      if (auto trusted = check_trusted_file(path); !trusted) return trusted.error().during("units");
      return parsed(read_file(path, units_limit), path);
    }
    case UnitSource::Kind::standard_input:
      return parsed(read_all(STDIN_FILENO, units_limit), "units from standard input");
    case UnitSource::Kind::command: {
      auto spec = plain_command(manifest, manifest.units.command, environment);
      if (!spec) return spec.error().during("units");
      return parsed(capture(*spec, units_timeout, units_limit),
                    "units from " + manifest.units.command.front());
    }
  }
  return std::vector<UnitSpec>{};
}

namespace {

Result<std::string> secret_in(const std::string& path) {
  auto text = read_file(path, secret_limit);
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r'))
    text->pop_back();  // editors end files with a newline
  return text;
}

Result<std::string> secret_file(const std::string& path) {
  if (auto trusted = check_trusted_file(path); !trusted) return trusted.error();
  return secret_in(path);
}

}  // namespace

Result<std::string> secret_value(const SecretReference& secret, const std::string& folder,
                                 const Environment& environment) {
  switch (secret.kind) {
    case SecretReference::Kind::environment: {
      for (const auto& [name, value] : environment)
        if (name == secret.name) return value;
      return Error(Fault::setup, "the variable " + secret.name + " is not set");
    }
    case SecretReference::Kind::file:
      return secret_file(path_join(folder, secret.name));
    case SecretReference::Kind::credential: {
      const std::string handed = value_of(environment, "CREDENTIALS_DIRECTORY");
      if (!handed.empty() && exists(path_join(handed, secret.name)))
        return secret_in(path_join(handed, secret.name));
      return secret_file(path_join("/etc/jobrun/credentials.d", secret.name));
    }
  }
  return Error(Fault::internal, "unknown kind of secret");
}

Result<std::vector<Secret>> resolve_secrets(const Manifest& manifest, const Environment& environment) {
  std::vector<Secret> secrets;
  for (const auto& [name, reference] : manifest.secrets) {
    auto value = secret_value(reference, manifest.folder, environment);
    if (!value)
      return Error(Fault::setup,
                   fmt::format("secret {} ({}): {}", name, reference.text, value.error().what()),
                   value.error().next_step().empty() ? "put it there; nothing was started"
                                                     : value.error().next_step());
    if (value->empty())
      return Error(Fault::setup, fmt::format("secret {} ({}) is empty", name, reference.text));
    if (value->find('\0') != std::string::npos)
      return Error(Fault::setup, fmt::format("secret {} ({}) has a NUL byte", name, reference.text));
    secrets.push_back({name, std::move(*value)});
  }
  return secrets;
}

}  // namespace jobrun
