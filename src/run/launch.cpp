#include "run/launch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/trace.hpp"
#include "handler/worker.hpp"

namespace jobrun {

namespace {

/// Not the caller's: cron's has no /usr/local/bin, and a person's may have a folder that others can write.
constexpr std::string_view fixed_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool passed_on(std::string_view name) {
  static constexpr std::string_view allowed[] = {
      "HOME", "LANG", "LOGNAME", "SHELL", "TMPDIR", "TZ", "USER", "JOBRUN_PREFLIGHT", "JOBRUN_SCRATCH"};
  return std::find(std::begin(allowed), std::end(allowed), name) != std::end(allowed) ||
         name.starts_with("LC_");
}

void set(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
  std::erase_if(environment, [&](const std::string& entry) {
    return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
  });
  environment.push_back(std::string(name).append("=").append(value));
}

std::vector<std::string> base_environment(const Manifest& manifest, const Environment& environment) {
  std::vector<std::string> built;
  for (const auto& [name, value] : environment) {
    const bool named =
        std::find(manifest.pass_env.begin(), manifest.pass_env.end(), name) != manifest.pass_env.end();
    if (named || passed_on(name)) built.push_back(name + "=" + value);
  }
  set(built, "PATH", fixed_path);
  for (const auto& [name, value] : manifest.env) set(built, name, value);
  return built;
}

std::string path_in(const Manifest& manifest) {
  for (const auto& [name, value] : manifest.env)
    if (name == "PATH") return value;
  return std::string(fixed_path);
}

/// The attempt is the parent of what the job does. What a tracing system put beside a trace goes with it.
void set_trace(std::vector<std::string>& variables, const Launch& launch, const Environment& environment) {
  const std::string callers = value_of(environment, "TRACEPARENT");
  const Trace trace = trace_of(callers, launch.run.job, launch.run.run_date, launch.run.run_id);
  set(variables, "TRACEPARENT",
      traceparent(trace, span_id(attempt_marker(launch.run, launch.unit, launch.attempt))));
  for (const std::string_view beside : {"TRACESTATE", "BAGGAGE"})
    if (const std::string value = value_of(environment, beside); !trace.parent.empty() && !value.empty())
      set(variables, beside, value);
}

/// Not synced: the file is of use to this attempt only.
Result<void> write_private(const std::string& path, std::string_view content) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(Fault::ledger, "open " + path, errno);
  while (!content.empty()) {
    const ssize_t wrote = ::write(file.get(), content.data(), content.size());
    if (wrote < 0) return system_error(Fault::ledger, "write " + path, errno);
    content.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

}  // namespace

std::string attempt_marker(const Run& run, const Unit& unit, int attempt) {
  return "JOBRUN_ATTEMPT_NAME=" + attempt_name(run.run_id, unit.unit, attempt);
}

Json unit_config(const Manifest& manifest, const Unit& unit) {
  if (!unit.config) return manifest.config;
  auto own = Json::parse(*unit.config);
  return own ? manifest.config.merged_with(*own) : manifest.config;
}

std::string config_file(const std::string& folder, const Unit& unit) {
  return path_join(folder, "config-" + std::to_string(unit.id) + ".json");
}

Result<ChildSpec> plain_command(const Manifest& manifest, const std::vector<std::string>& argv,
                                const Environment& environment) {
  ChildSpec spec;
  spec.argv = argv;
  spec.workdir = manifest.workdir.empty() ? manifest.folder : path_join(manifest.folder, manifest.workdir);
  const std::string& name = argv.front();
  // "./x" stands in the manifest's folder, whatever the working directory; a bare name is looked up once,
  // over the job's PATH.
  const auto found = name.starts_with("./")
                         ? std::optional<std::string>(path_join(manifest.folder, name.substr(2)))
                         : find_program(name, path_in(manifest));
  spec.program = found.value_or(name);  // not found: execve says so, and the attempt records it
  spec.environment = base_environment(manifest, environment);
  return spec;
}

ChildSpec bare_command(const std::vector<std::string>& argv, const Environment& environment) {
  ChildSpec spec;
  spec.argv = argv;
  spec.program = find_program(argv.front(), std::string(fixed_path)).value_or(argv.front());
  spec.workdir = argv.front().starts_with('/') ? path_folder(argv.front()) : "/";
  spec.environment = base_environment(Manifest{}, environment);
  return spec;
}

Result<ChildSpec> child_spec(const Launch& launch, const Environment& environment) {
  const Manifest& manifest = launch.manifest;
  const bool native = manifest.handler != Manifest::Handler::command;
  auto spec = plain_command(manifest, native ? std::vector<std::string>{"/proc/self/exe"} : manifest.command,
                            environment);
  if (!spec) return spec;
  if (native)
    spec->argv = {"jobrun", worker_role,
                  manifest.handler == Manifest::Handler::http ? std::string(http_worker) : manifest.native};
  spec->lease = launch.lease;

  auto& variables = spec->environment;
  for (const auto& secret : launch.secrets) set(variables, secret.name, secret.value);
  set_trace(variables, launch, environment);
  variables.push_back(attempt_marker(launch.run, launch.unit, launch.attempt));
  set(variables, "JOBRUN_JOB", launch.run.job);
  set(variables, "JOBRUN_RUN_ID", launch.run.run_id);
  set(variables, "JOBRUN_RUN_DATE", launch.run.run_date);
  set(variables, "JOBRUN_SCHEDULED_AT", launch.run.scheduled_at.value_or(""));
  set(variables, "JOBRUN_UNIT", launch.unit.unit);
  set(variables, "JOBRUN_ATTEMPT", std::to_string(launch.attempt));
  set(variables, "JOBRUN_MAX_ATTEMPTS", std::to_string(manifest.retry.max_attempts));
  set(variables, "JOBRUN_NOW", format_instant(launch.now));
  set(variables, "JOBRUN_DEADLINE", format_instant(launch.now + manifest.timeout));
  set(variables, "JOBRUN_CURSOR", launch.cursor);
  set(variables, "JOBRUN_SOCKET", launch.socket);
  if (native) return spec;  // it is told payload and config when it says hello

  if (launch.run.payload) {
    const std::string file = path_join(launch.folder, "payload.json");
    if (auto written = write_private(file, *launch.run.payload); !written) return written.error();
    set(variables, "JOBRUN_PAYLOAD_FILE", file);
    spec->stdin_path = file;
  }
  if (const Json config = unit_config(manifest, launch.unit); !config.is_null()) {
    const std::string file = config_file(launch.folder, launch.unit);
    if (auto written = write_private(file, config.pretty()); !written) return written.error();
    set(variables, "JOBRUN_CONFIG_FILE", file);
  }
  return spec;
}

}  // namespace jobrun
