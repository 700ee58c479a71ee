// jobrun emit: a scheduler's configuration, for a job or once for all of them.
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/emit.hpp"
#include "cli/screen.hpp"
#include "run/inventory_ground.hpp"

namespace jobrun {

namespace {

Result<Scheduler> scheduler_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Scheduler& one : schedulers()) {
    if (one.name == name) return one;
    names.emplace_back(one.name);
  }
  const auto near = nearest(name, names);
  return usage_error("no configuration for " + in_quotes(name) + " can be written",
                     near ? "did you mean " + *near + "?" : "there are " + join(names, ", "));
}

/// cron's hours are the machine's: with another zone than the job's the run would come at the wrong hour, or
/// a day late.
void note_other_clock(const Manifest& manifest) {
  Inventory here;
  const Ground ground("/", here);
  if (here.zone.empty() || here.zone == manifest.timezone) return;
  print_err("jobrun: cron's hours on this machine are those of " + printable(here.zone) +
            ", the job's are those of " + printable(manifest.timezone) +
            "\nhint: let the manifest's timezone be that of the machine that has the crontab\n");
}

Result<EmittedFiles> files_for(const Session& session, const Scheduler& scheduler, const std::string& job) {
  if (!session.args.has("--at")) return usage_error("emit needs --at", "say when, such as --at daily@02:00");
  const std::string token = session.args.value("--at");
  auto schedule = parse_schedule(token);
  if (!schedule) return schedule.error().during("--at");
  auto manifest = load_manifest(session.places.jobs, job);
  if (!manifest) return manifest.error();
  if (manifest->units.kind == UnitSource::Kind::standard_input)
    return usage_error(job + " takes its units from standard input, where a scheduler gives it none",
                       "name them in the manifest, in a file or by a command (units in jobrun-manifest(5))");
  auto zone = Zone::named(manifest->timezone);
  if (!zone) return zone.error();
  if (scheduler.name == "cron") note_other_clock(*manifest);
  return scheduler.for_job({*manifest, token, *schedule, *zone, session.clock.wall()});
}

std::string text_of(const EmittedFiles& files) {
  if (files.size() == 1) return files.front().text;
  std::string text;
  for (const auto& [name, content] : files)
    text += fmt::format("{}# file: {}\n{}", text.empty() ? "" : "\n", name, content);
  return text;
}

/// A file that is there with other content may have been changed by hand: it stays.
Result<void> write_all(const std::string& folder, const EmittedFiles& files) {
  for (const auto& [name, text] : files) {
    const std::string path = path_join(folder, name);
    if (!exists(path)) continue;
    const auto there = read_file(path, text.size());
    if (!there || *there != text)
      return usage_error(path + " is there already, with other content; nothing was written",
                         "compare it with what emit prints without --dir, and move it away");
  }
  for (const auto& [name, text] : files) {
    for (std::size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
      ::mkdir(path_join(folder, name.substr(0, slash)).c_str(),
              0755);  // where it can't be, write_file says so
    const std::string path = path_join(folder, name);
    if (auto written = write_file(path, text, 0644); !written) return written;
    print_out(printable(path) + "\n");
  }
  return {};
}

}  // namespace

Result<Exit> cmd_emit(const Session& session) {
  const auto& words = session.args.words();
  auto scheduler = scheduler_of(words[0]);
  if (!scheduler) return scheduler.error();
  if (words.size() == 1 && scheduler->once == nullptr)
    return usage_error(words[0] + " needs nothing but what a job needs",
                       "name one: jobrun emit " + words[0] + " JOB --at daily@02:00");
  if (words.size() == 1 && session.args.has("--at"))
    return usage_error("--at is about a job", "name one: jobrun emit " + words[0] + " JOB --at ...");
  auto files =
      words.size() == 1 ? Result<EmittedFiles>(scheduler->once()) : files_for(session, *scheduler, words[1]);
  if (!files) return files.error();
  if (session.args.has("--dir")) {
    if (session.args.value("--dir").empty())
      return usage_error("--dir needs a folder", "such as --dir /etc, or --dir . for this one");
    if (auto written = write_all(session.args.value("--dir"), *files); !written) return written.error();
  } else {
    print_out(text_of(*files));
  }
  return Exit::done;
}

}  // namespace jobrun
