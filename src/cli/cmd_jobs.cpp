// jobrun jobs: the jobs there are, their manifests checked; jobs adopt: a scheduler's line becomes one.
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/adopt_view.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"
#include "run/inventory.hpp"

namespace jobrun {

namespace {

std::string handler_of(const Manifest& manifest) {
  if (manifest.handler == Manifest::Handler::native) return "native " + manifest.native;
  if (manifest.handler == Manifest::Handler::http)
    return manifest.http.method + " " + printable(manifest.http.url.substr(0, manifest.http.url.find('?')));
  return "command " + printable(join(manifest.command, " "));
}

Json json_of(const std::string& name, const Result<Manifest>& manifest) {
  Json faults = Json::array();
  if (!manifest)
    for (const std::string_view fault : split(manifest.error().what(), '\n')) faults.push(fault);
  const auto said = [&](const auto& of) { return manifest ? json_or_null(of(*manifest)) : Json(); };
  return Json::object()
      .set("job", name)
      .set("ok", static_cast<bool>(manifest))
      .set("faults", std::move(faults))
      .set("owner", said([](const Manifest& its) { return its.owner; }))
      .set("description", said([](const Manifest& its) { return its.description; }))
      .set("handler", said([](const Manifest& its) { return handler_of(its); }))
      .set("period_ms", manifest && manifest->period
                            ? Json(static_cast<std::int64_t>(manifest->period->count()))
                            : Json());
}

constexpr unsigned readable_mode = 0644, secret_mode = 0600;

/// FOLDER/JOB.json, where --to names one. Never over a file that is there.
Result<std::string> write_manifest(const Session& session, const Scheduled& entry, const Adoption& adoption) {
  if (!session.args.has("--to")) return std::string();
  const std::string path = path_join(path_absolute(session.args.value("--to")), adoption.job + ".json");
  if (exists(path))
    return usage_error("there is a " + path + " already; nothing was written",
                       "give the job another name: --as NAME");
  const bool secret = mask_secrets(entry.command) != entry.command;
  if (auto written = write_file(path, adoption.manifest, secret ? secret_mode : readable_mode); !written)
    return written.error();
  return path;
}

Result<Exit> adopt_one(const Session& session, const std::string& where) {
  auto entry = find_scheduled(where, session.environment);
  if (!entry) return entry.error().during("adopt");
  auto adoption = adopt(*entry, session.args.value("--as"));
  if (!adoption) return adoption.error().during("adopt");
  auto written = write_manifest(session, *entry, *adoption);
  if (!written) return written.error().during("adopt");
  print_out(session.json() ? adoption_json(*entry, *adoption, *written).dump() + "\n"
                           : adoption_text(*entry, *adoption, *written));
  return Exit::done;
}

}  // namespace

Result<Exit> cmd_jobs(const Session& session) {
  const auto& words = session.args.words();
  if (!words.empty()) {
    if (words.size() == 2 && words[0] == "adopt") return adopt_one(session, words[1]);
    return usage_error("jobs takes no words but adopt WHERE", "jobrun jobs adopt /etc/cron.d/billing:4");
  }
  if (session.args.has("--to") || session.args.has("--as"))
    return usage_error("--to and --as go with adopt", "jobrun jobs adopt /etc/cron.d/billing:4");
  if (!exists(session.places.jobs))
    return Error(Fault::setup, "there is no jobs directory " + session.places.jobs,
                 "make it, or name one with --jobs or JOBRUN_JOBS");
  std::vector<std::vector<std::string>> rows = {{"JOB", "OWNER", "PERIOD", "HANDLER", "DESCRIPTION"}};
  Json list = Json::array();
  std::string faults;
  for (const auto& name : job_names(session.places.jobs)) {
    auto manifest = load_manifest(session.places.jobs, name);
    if (!manifest) {
      faults += manifest.error().what() + "\n";
      list.push(json_of(name, manifest));
      rows.push_back({printable(name), "", "", "", "FAULTY, see below"});
      continue;
    }
    const std::string period = manifest->period ? format_duration(*manifest->period) : "";
    list.push(json_of(name, manifest));
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
