// Crontabs and run-parts folders of a machine; see inventory_ground.hpp.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "run/inventory_ground.hpp"

namespace jobrun {

namespace {

/// Left there by packages and editors, and passed over on purpose.
bool is_leftover(std::string_view name) {
  return name.ends_with('~') || name.find(".dpkg-") != std::string_view::npos ||
         name.find(".ucf-") != std::string_view::npos;
}

void note_line(const Ground& ground, const CrontabLine& line, const Spot& where) {
  auto& faults = ground.found().faults;
  if (!line.fault.empty())
    faults.push_back({"bad_line", where, "cron refuses this line: " + line.fault,
                      "a crontab with a faulty line may be passed over as a whole",
                      "mend the line; `man 5 crontab` has the form", ScheduleFault::Weight::mend});
  if (line.percent)
    faults.push_back({"percent", where, "cron takes the unescaped % for the end of the command",
                      "what stands behind it becomes standard input: `date +%F` runs as `date +`",
                      "write \\% for it; a run date needs none: --run-date daily@02:00",
                      ScheduleFault::Weight::mend});
}

void note_zone(const Ground& ground, const CrontabLine& line, const std::string& path, bool& noted) {
  const std::string zone = line.variable("CRON_TZ");
  if (zone.empty() || zone == ground.found().zone || noted) return;
  noted = true;
  ground.found().faults.push_back(
      {"cron_tz",
       {path, line.line},
       "Debian's cron does not know CRON_TZ=" + zone,
       fmt::format("it starts the line by the machine's clocks ({})",
                   ground.found().zone.empty() ? "zone not known" : ground.found().zone),
       "write the machine's hours, or use a systemd timer, whose OnCalendar= takes a zone",
       ScheduleFault::Weight::mend});
}

}  // namespace

void read_crontab(const Ground& ground, const std::string& path, CrontabForm form, const std::string& user) {
  const auto text = ground.read(path);
  if (!text) return;
  if (!text->empty() && text->back() != '\n')
    ground.found().faults.push_back(
        {"bad_line",
         {path, static_cast<int>(std::count(text->begin(), text->end(), '\n')) + 1},
         "the last line has no newline at its end",
         "cron ignores the line, or the whole crontab",
         fmt::format("echo >> '{}'", path),
         ScheduleFault::Weight::mend});
  bool zone_noted = false;
  for (auto& line : parse_crontab(*text, form)) {
    const Spot where{path, line.line};
    note_line(ground, line, where);
    note_zone(ground, line, path, zone_noted);
    Scheduled entry;
    entry.scheduler = "cron";
    entry.where = where;
    entry.when = line.when;
    if (line.times) entry.times = {*line.times};
    entry.zone = ground.found().zone;
    entry.user = form == CrontabForm::system ? line.user : user;
    entry.command = line.command;
    entry.active = line.fault.empty();
    entry.calls = jobrun_calls(line.command);
    entry.environment = line.variables;
    entry.workdir = ground.home_of(entry.user);
    entry.path = line.variable("PATH");
    if (entry.path.empty()) entry.path = crons_own_path;
    for (auto& call : entry.calls) {
      if (call.jobs.empty()) call.jobs = line.variable("JOBRUN_JOBS");
      entry.finds_jobrun = entry.finds_jobrun && ground.finds(call.program, entry.path);
      if (call.looped) entry.retried_by = "a loop in the shell";
    }
    ground.found().entries.push_back(std::move(entry));
  }
}

namespace {

void read_cron_d(const Ground& ground) {
  const std::string folder = ground.path("/etc/cron.d");
  for (const auto& name : ground.names(folder)) {
    const std::string path = path_join(folder, name);
    if (cron_reads_name(name)) {
      read_crontab(ground, path, CrontabForm::system, "");
    } else if (!is_leftover(name)) {
      ground.found().faults.push_back(
          {"dotted_name",
           {path, 0},
           "cron does not read this file because of its name",
           "in cron.d a name has letters, digits, _ and - only; nothing in it is started",
           fmt::format("mv '{}' '{}'", path, path_join(folder, name.substr(0, name.find('.')))),
           ScheduleFault::Weight::mend});
    }
  }
}

/// The line of a crontab that runs the scripts of this folder.
const Scheduled* starter_of(const Inventory& found, const std::string& folder) {
  const auto line = std::find_if(found.entries.begin(), found.entries.end(), [&](const Scheduled& entry) {
    return entry.scheduler == "cron" && entry.active && entry.command.find(folder) != std::string::npos;
  });
  return line == found.entries.end() ? nullptr : &*line;
}

void read_run_parts(const Ground& ground, const std::string& word) {
  const std::string named = "/etc/cron." + word, folder = ground.path(named);
  for (const auto& name : ground.names(folder)) {
    const std::string path = path_join(folder, name);
    if (is_leftover(name)) continue;
    if (!cron_reads_name(name) || ::access(path.c_str(), X_OK) != 0) {
      const bool dotted = !cron_reads_name(name);
      ground.found().faults.push_back(
          {dotted ? "dotted_name" : "not_executable",
           {path, 0},
           dotted ? "run-parts passes this script over because of its name"
                  : "run-parts passes this script over: it is not executable",
           "nothing tells that it does not run",
           dotted ? fmt::format("mv '{}' '{}'", path, path_join(folder, name.substr(0, name.find('.'))))
                  : fmt::format("chmod 755 '{}'", path),
           ScheduleFault::Weight::mend});
      continue;
    }
    Scheduled entry;
    entry.scheduler = "run-parts";
    entry.where = {path, 0};
    entry.when = "@" + word;
    entry.zone = ground.found().zone;
    entry.user = "root";
    entry.command = named + "/" + name;
    const Scheduled* starter = starter_of(ground.found(), named);
    entry.active = starter != nullptr || ground.has("/etc/anacrontab");
    if (starter != nullptr) {
      entry.when = starter->when;
      entry.times = starter->times;
      entry.user = starter->user;
    }
    if (const auto script = ground.read(path);
        script && script->substr(0, script->find('\n')).find("sh") != std::string::npos)
      entry.calls = jobrun_calls(*script);
    ground.found().entries.push_back(std::move(entry));
  }
}

}  // namespace

void read_cron_places(const Ground& ground) {
  if (ground.has("/etc/crontab")) read_crontab(ground, ground.path("/etc/crontab"), CrontabForm::system, "");
  read_cron_d(ground);
  for (const char* word : {"hourly", "daily", "weekly", "monthly"}) read_run_parts(ground, word);
  const std::string spool = ground.path("/var/spool/cron/crontabs");
  for (const auto& user : ground.names(spool))
    read_crontab(ground, path_join(spool, user), CrontabForm::user, user);
}

}  // namespace jobrun
