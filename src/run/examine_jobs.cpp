// The second half of examine.hpp: the jobs directory and what stands in it, and who is told to call.
#include <algorithm>
#include <set>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "handler/http.hpp"
#include "run/catalog.hpp"
#include "run/examine.hpp"
#include "timetable/crontab.hpp"

namespace jobrun {

namespace {

using State = Symptom::State;

constexpr std::size_t most_files = 500, longest_crontab = 1024 * 1024;

void examine_secrets(const Manifest& manifest, const Environment& environment, Symptoms& symptoms) {
  for (const auto& secret : manifest.secrets) {
    Manifest one;  // resolving asks for no more, and each secret gets a line of its own
    one.job = manifest.job;
    one.folder = manifest.folder;
    one.secrets = {secret};
    auto resolved = resolve_secrets(one, environment);
    if (resolved) continue;
    // A variable or a credential may be there when the scheduler calls, and not in this shell.
    const bool elsewhere = secret.second.kind != SecretReference::Kind::file;
    symptoms.push_back({elsewhere ? State::warn : State::fail, "job " + manifest.job, resolved.error().what(),
                        elsewhere ? "see that it is there when the scheduler calls (LoadCredential=, env)"
                        : resolved.error().next_step().empty() ? "mend it and call again"
                                                               : resolved.error().next_step()});
  }
}

void examine_zones(const std::set<std::string>& zones, Symptoms& symptoms) {
  for (const auto& name : zones) {
    if (auto zone = Zone::named(name); !zone)
      return symptoms.push_back({State::fail, "zones", zone.error().what(), "apt-get install tzdata"});
  }
  symptoms.push_back({State::ok, "zones", join({zones.begin(), zones.end()}, ", "), ""});
}

void examine_curl(bool needed, Symptoms& symptoms) {
  const std::string obstacle = HttpClient().obstacle();
  if (obstacle.empty()) return symptoms.push_back({State::ok, "libcurl", "can be loaded", ""});
  symptoms.push_back(
      {needed ? State::fail : State::warn, "libcurl", obstacle,
       needed ? "apt-get install libcurl4" : "apt-get install libcurl4, before a job sends by http"});
}

}  // namespace

void examine_jobs(const std::string& folder, const Environment& environment, Symptoms& symptoms) {
  if (auto trusted = check_trusted_folder(folder); !trusted) {
    symptoms.push_back({State::fail, "jobs", trusted.error().what(),
                        trusted.error().next_step().empty()
                            ? "make it, or name one with --jobs or JOBRUN_JOBS"
                            : trusted.error().next_step()});
    if (!exists(folder)) return;
  }
  std::size_t sound = 0;
  bool sends = false;
  std::set<std::string> zones = {"Europe/Berlin"};  // stands for the data base where no job names one
  const auto names = job_names(folder);
  for (const auto& name : names) {
    auto manifest = load_manifest(folder, name);
    if (!manifest) {
      const std::string& faults = manifest.error().what();
      const auto more = std::count(faults.begin(), faults.end(), '\n');
      symptoms.push_back(
          {State::fail, "job " + name,
           faults.substr(0, faults.find('\n')) + (more == 0 ? "" : fmt::format(" (and {} more)", more)),
           manifest.error().next_step().empty() ? "mend the manifest; `jobrun jobs` tells all faults"
                                                : manifest.error().next_step()});
      continue;
    }
    ++sound;
    sends = sends || manifest->handler == Manifest::Handler::http;
    if (manifest->timezone != "UTC") zones.insert(manifest->timezone);
    examine_secrets(*manifest, environment, symptoms);
  }
  if (names.empty())
    symptoms.push_back(
        {State::warn, "jobs", "there is none in " + folder, "write a manifest; README has one"});
  else
    symptoms.push_back(
        {State::ok, "jobs", fmt::format("{} of {} manifests are sound", sound, names.size()), ""});
  examine_zones(zones, symptoms);
  examine_curl(sends, symptoms);
}

void examine_schedules(Symptoms& symptoms) {
  std::vector<std::string> naming;
  std::size_t seen = 0;
  const auto look_at = [&](const std::string& path) {
    if (++seen > most_files) return false;
    auto text = read_file(path, longest_crontab);
    if (!text || text->find("jobrun") == std::string::npos) return false;
    naming.push_back(path);
    return true;
  };
  (void)look_at("/etc/crontab");
  for (const auto& name : list_folder("/etc/cron.d", ""))
    if (look_at("/etc/cron.d/" + name) && !cron_reads_name(name))
      symptoms.push_back({State::warn, "schedules",
                          "cron does not read /etc/cron.d/" + name + " because of its name",
                          "give it a name of letters, digits, _ and -"});
  for (const auto& name : list_folder("/var/spool/cron/crontabs", ""))
    (void)look_at("/var/spool/cron/crontabs/" + name);
  for (const std::string folder : {"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"})
    for (const auto& name : list_folder(folder, ".service"))
      if (name.find("jobrun") != std::string::npos || folder.starts_with("/etc"))
        (void)look_at(path_join(folder, name));
  if (naming.empty())
    symptoms.push_back({State::warn, "schedules",
                        "no crontab or unit that can be read from here names jobrun",
                        "if another scheduler calls, all is well; else see examples/crontab"});
  else
    symptoms.push_back({State::ok, "schedules", join(naming, ", "), ""});
}

}  // namespace jobrun
