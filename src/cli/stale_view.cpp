#include "cli/stale_view.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "run/catalog.hpp"
#include "run/freshness.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_stale = 20;

}  // namespace

Result<void> StaleJobs::look_at(Ledger& ledger, const std::string& jobs_folder, const std::string& job,
                                Instant now) {
  auto manifest = load_manifest(jobs_folder, job);
  if (!manifest) {
    if (!has_manifest(jobs_folder, job)) return {};  // taken away: it promises nothing
    const std::string& faults = manifest.error().what();
    faulty.push_back(matter_without_run("manifest", job, "faulty", faults.substr(0, faults.find('\n')),
                                        "mend it; `jobrun jobs` tells all faults"));
    return {};
  }
  auto freshness = freshness_of(ledger, *manifest, now);
  if (!freshness) return freshness.error();
  if (!freshness->is_stale()) return {};
  list.push(Json::object()
                .set("job", job)
                .set("what", phrase_of(*freshness, now))
                .set("since", freshness->due ? Json(format_instant(*freshness->due)) : Json()));
  return {};
}

std::string StaleJobs::text(const std::vector<Matter>& matters) const {
  const std::size_t count = list.items().size();
  if (count == 0) return "";
  std::string text = fmt::format("{} {} stale:\n", count, count == 1 ? "job is" : "jobs are");
  for (std::size_t i = 0; i < count && i < most_stale; ++i) {
    const std::string& job = list.items()[i].at("job").as_string();
    const bool told =
        std::any_of(matters.begin(), matters.end(), [&](const Matter& one) { return one.job == job; });
    text += fmt::format(
        "  {}  {}\n    next: {}\n", job, list.items()[i].at("what").as_string(),
        told ? "what is told of it above" : "did its scheduler call? `jobrun doctor` tells who does");
  }
  if (count > most_stale)
    text += fmt::format("  ... and {} more: `jobrun check --json`\n", count - most_stale);
  return text + "\n";
}

}  // namespace jobrun
