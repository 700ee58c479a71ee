// jobrun jobs: the jobs there are, their manifests checked.
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

std::string handler_of(const Manifest& manifest) {
  if (manifest.handler == Manifest::Handler::native) return "native " + manifest.native;
  if (manifest.handler == Manifest::Handler::http)
    return manifest.http.method + " " + printable(manifest.http.url.substr(0, manifest.http.url.find('?')));
  return "command " + printable(join(manifest.command, " "));
}

}  // namespace

Result<Exit> cmd_jobs(const Session& session) {
  if (!exists(session.places.jobs))
    return Error(Fault::setup, "there is no jobs directory " + session.places.jobs,
                 "make it, or name one with --jobs or JOBRUN_JOBS");
  std::vector<std::vector<std::string>> rows = {{"JOB", "OWNER", "PERIOD", "HANDLER", "DESCRIPTION"}};
  Json list = Json::array();
  std::string faults;
  for (const auto& name : job_names(session.places.jobs)) {
    auto manifest = load_manifest(session.places.jobs, name);
    Json one = Json::object().set("job", name).set("ok", static_cast<bool>(manifest));
    if (!manifest) {
      faults += manifest.error().what() + "\n";
      list.push(std::move(one.set("faults", manifest.error().what())));
      rows.push_back({printable(name), "", "", "", "FAULTY, see below"});
      continue;
    }
    const std::string period = manifest->period ? format_duration(*manifest->period) : "";
    one.set("owner", manifest->owner)
        .set("description", manifest->description)
        .set("handler", handler_of(*manifest));
    list.push(std::move(one.set("period", period)));
    rows.push_back({name, printable(manifest->owner), period, clip(handler_of(*manifest), 40),
                    printable(manifest->description)});
  }
  if (session.json()) {
    print_out(Json::object()
                  .set("schema_version", 1)
                  .set("jobs_directory", session.places.jobs)
                  .set("jobs", std::move(list))
                  .dump() +
              "\n");
  } else {
    if (rows.size() == 1) print_out("no jobs in " + session.places.jobs + "\n");
    if (rows.size() > 1) print_out(table(rows, screen_width()));
    print_out(faults);
  }
  return faults.empty() ? Exit::done : Exit::setup;
}

}  // namespace jobrun
