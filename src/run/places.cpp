#include "run/places.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr const char* system_config = "/etc/jobrun/config.json";
constexpr std::size_t config_limit = 1024 * 1024;

bool ours(const std::string& folder) {
  struct stat info {};
  return ::stat(folder.c_str(), &info) == 0 && info.st_uid == ::geteuid();
}

/// $XDG_..._HOME/jobrun or its default below $HOME; relative values are ignored (XDG Base Directory
/// Specification).
std::string xdg(const Environment& environment, std::string_view variable, std::string_view fallback) {
  const std::string base = value_of(environment, variable);
  if (base.starts_with('/')) return path_join(base, "jobrun");
  const std::string home = value_of(environment, "HOME");
  return home.starts_with('/') ? path_join(path_join(home, fallback), "jobrun") : "";
}

Result<void> read_over(const std::string& path, Config& config) {
  if (auto trusted = check_trusted_file(path); !trusted) return trusted.error().during("configuration");
  auto text = read_file(path, config_limit);
  if (!text) return text.error().during("configuration");
  return read_config(path, *text, config);
}

/// A place and whose word it is.
struct Found {
  std::string path, by;
};

Found ledger_place(const std::string& flag, const Environment& environment, const Config& config) {
  if (!flag.empty()) return {flag, "--ledger"};
  if (std::string named = value_of(environment, "JOBRUN_LEDGER"); !named.empty())
    return {std::move(named), "$JOBRUN_LEDGER"};
  // systemd may name several folders, colon separated (systemd.exec(5))
  if (const std::string state = value_of(environment, "STATE_DIRECTORY"); !state.empty())
    return {path_join(split(state, ':').front(), "ledger.db"), "$STATE_DIRECTORY"};
  if (!config.ledger.empty()) return {config.ledger, config.said_by.at("ledger")};
  if (::geteuid() == 0 || ours("/var/lib/jobrun")) return {"/var/lib/jobrun/ledger.db", "by default"};
  const std::string own = xdg(environment, "XDG_STATE_HOME", ".local/state");
  return {own.empty() ? "" : path_join(own, "ledger.db"), "by default"};
}

Found jobs_place(const std::string& flag, const Environment& environment, const Config& config) {
  if (!flag.empty()) return {flag, "--jobs"};
  if (std::string named = value_of(environment, "JOBRUN_JOBS"); !named.empty())
    return {std::move(named), "$JOBRUN_JOBS"};
  if (!config.jobs.empty()) return {config.jobs, config.said_by.at("jobs")};
  const std::string own = xdg(environment, "XDG_CONFIG_HOME", ".config");
  if (own.empty() || exists("/etc/jobrun/jobs")) return {"/etc/jobrun/jobs", "by default"};
  return {path_join(own, "jobs"), "by default"};
}

}  // namespace

Result<Config> load_config(const Environment& environment) {
  Config config;
  if (const std::string named = value_of(environment, "JOBRUN_CONFIG"); !named.empty()) {
    if (auto read = read_over(path_absolute(named), config); !read)
      return read.error().during("$JOBRUN_CONFIG");
    return config;
  }
  const std::string own = xdg(environment, "XDG_CONFIG_HOME", ".config");
  for (const std::string& path :
       {std::string(system_config), own.empty() ? own : path_join(own, "config.json")}) {
    if (path.empty() || !exists(path)) continue;
    if (auto read = read_over(path, config); !read) return read.error();
  }
  return config;
}

Result<Places> find_places(const std::string& ledger_flag, const std::string& jobs_flag,
                           const Environment& environment) {
  Places places;
  const bool named = (!ledger_flag.empty() || !value_of(environment, "JOBRUN_LEDGER").empty()) &&
                     (!jobs_flag.empty() || !value_of(environment, "JOBRUN_JOBS").empty());
  if (!named) {
    auto config = load_config(environment);
    if (!config) return config.error();
    places.config = std::move(*config);
  }
  const Config config = places.config.value_or(Config{});
  auto ledger = ledger_place(ledger_flag, environment, config);
  auto jobs = jobs_place(jobs_flag, environment, config);
  if (ledger.path.empty())
    return Error(Fault::setup, "no place for the ledger: HOME is not set",
                 "name one: --ledger PATH or JOBRUN_LEDGER=PATH");
  places.ledger = path_absolute(ledger.path);
  places.jobs = path_absolute(jobs.path);
  places.ledger_by = std::move(ledger.by);
  places.jobs_by = std::move(jobs.by);
  return places;
}

}  // namespace jobrun
