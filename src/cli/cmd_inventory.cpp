// jobrun inventory: what is scheduled where, so that "when does this run?" has one answer; what is wrong with
// it; what has changed.
#include <algorithm>

#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/inventory_view.hpp"
#include "cli/screen.hpp"
#include "run/inventory.hpp"
#include "timetable/schedule_faults.hpp"

namespace jobrun {

namespace {

constexpr std::size_t longest_answer = 64 * 1024 * 1024;

/// The jobs directory; an image has its own, where none is named.
KnownJobs known_jobs(const Session& session) {
  KnownJobs known;
  const std::string& root = session.args.value("--root");
  const bool of_image = !root.empty() && session.places.jobs_by == "by default";
  known.folder = of_image ? path_absolute(root + "/etc/jobrun/jobs") : session.places.jobs;
  for (const auto& name : job_names(known.folder)) {
    auto manifest = load_manifest(known.folder, name);
    known.jobs.push_back({name, path_join(known.folder, name + ".json"), std::nullopt});
    if (manifest) known.jobs.back().manifest = std::move(*manifest);
  }
  return known;
}

Result<ScheduleDrift> drift_against(const std::string& file, const Json& now) {
  auto text = read_file(path_absolute(file), longest_answer);
  if (!text) return text.error().during("--against");
  auto before = Json::parse(*text);
  if (!before) return before.error().during("--against " + file);
  auto drift = schedule_drift(*before, now);
  if (!drift) return drift.error().during("--against " + file);
  return drift;
}

}  // namespace

Result<Exit> cmd_inventory(const Session& session) {
  InventoryRequest request;
  request.root = session.args.value("--root");
  request.files = session.args.words();
  request.machine = request.files.empty() || session.args.has("--root");
  auto inventory = take_inventory(request, session.environment);
  if (!inventory) return inventory.error();
  print_err(unread_text(*inventory));

  const Instant now = session.clock.wall();
  const bool lint = session.args.has("--lint"), against = session.args.has("--against");
  // Only for who reads it: each entry's next start is looked for.
  Json json = session.json() || against ? inventory_json(*inventory, now) : Json();
  Json findings, changes;
  std::string text;
  bool to_mend = false;
  if (lint) {
    const auto faults = schedule_faults(*inventory, known_jobs(session), now);
    to_mend = std::any_of(faults.begin(), faults.end(),
                          [](const ScheduleFault& one) { return one.weight == ScheduleFault::Weight::mend; });
    text += faults_text(faults);
    findings = faults_json(faults);
  }
  if (against) {
    auto drift = drift_against(session.args.value("--against"), json);
    if (!drift) return drift.error();
    to_mend = to_mend || drift->any();
    text += drift_text(*drift);
    changes = drift_json(*drift);
  }
  if (!lint && !against) text = inventory_text(*inventory, now, screen_width());
  if (session.json())
    text = json.set("findings", std::move(findings)).set("drift", std::move(changes)).dump() + "\n";
  print_out(text);
  return to_mend ? Exit::setup : Exit::done;
}

}  // namespace jobrun
