#include "cli/check_view.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr std::string_view status_words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
constexpr std::size_t most_lines = 20, most_in_headline = 3, longest_line = 300;

/// A monitor takes a bar for the beginning of the figures.
std::string plain(const std::string& text) {
  std::string line = clip(printable(text), longest_line);
  std::replace(line.begin(), line.end(), '|', '/');
  return line;
}

std::string who(const Trouble& trouble) {
  if (trouble.job.empty()) return "the ledger";  // restored: a matter of all jobs
  return trouble.run_date.empty() ? trouble.job : trouble.job + " " + trouble.run_date;
}

std::string headline(const Vigil& vigil, const std::string& job, Instant now) {
  if (vigil.troubles.empty()) {
    if (vigil.freshness) return fmt::format("{} {}", job, phrase_of(*vigil.freshness, now));
    return fmt::format("{} job{}, none stale, nothing needs a person{}", vigil.jobs,
                       vigil.jobs == 1 ? "" : "s",
                       vigil.paused == 0 ? "" : fmt::format(" ({} paused)", vigil.paused));
  }
  std::vector<std::string> parts;
  for (const auto& trouble : vigil.troubles) {
    if (parts.size() == most_in_headline) break;
    parts.push_back(plain(who(trouble) + " " + trouble.what));
  }
  if (vigil.troubles.size() > most_in_headline)
    parts.push_back(fmt::format("and {} more", vigil.troubles.size() - most_in_headline));
  return join(parts, "; ");
}

std::string seconds(std::optional<Span> span) {
  return span ? std::to_string(std::max<std::int64_t>(span->count() / 1000, 0)) : "";
}

/// 'label'=value[unit];[warn];[crit];[min]
std::string figures(const Vigil& vigil, Instant now) {
  if (vigil.freshness) {
    const Freshness& freshness = *vigil.freshness;
    const std::string age = freshness.last_success ? seconds(now - *freshness.last_success) + "s" : "U";
    return fmt::format("age={};{};;0", age, seconds(freshness.limit));
  }
  const auto count = [&](Trouble::Kind kind) {
    return std::count_if(vigil.troubles.begin(), vigil.troubles.end(),
                         [&](const Trouble& trouble) { return trouble.kind == kind; });
  };
  return fmt::format(
      "jobs={};;;0 stale={};0;;0 faulty={};;0;0 stopped={};;0;0 exhausted={};;0;0 in_doubt={};;0;0",
      vigil.jobs, count(Trouble::Kind::stale), count(Trouble::Kind::faulty), count(Trouble::Kind::stopped),
      count(Trouble::Kind::exhausted), count(Trouble::Kind::in_doubt));
}

std::string long_output(const Vigil& vigil) {
  std::string text;
  std::size_t shown = 0;
  for (const auto& trouble : vigil.troubles) {
    if (++shown > most_lines) {
      text += fmt::format("... and {} more: jobrun check --json\n", vigil.troubles.size() - most_lines);
      break;
    }
    text += fmt::format("{}: {}\n", trouble.critical ? "CRITICAL" : "WARNING",
                        plain(fmt::format("{} {}; next: {}", who(trouble), trouble.what, trouble.next)));
  }
  return text;
}

}  // namespace

std::string_view word_of(CheckStatus status) {
  return status_words[static_cast<std::size_t>(status)];
}

CheckStatus status_of(const Vigil& vigil) {
  if (vigil.troubles.empty()) return CheckStatus::ok;
  return vigil.troubles.front().critical ? CheckStatus::critical : CheckStatus::warning;
}

std::string check_text(const Vigil& vigil, const std::string& job, Instant now) {
  return fmt::format("JOBRUN {} - {} | {}\n{}", word_of(status_of(vigil)), headline(vigil, job, now),
                     figures(vigil, now), long_output(vigil));
}

namespace {

/// Of the one job that was asked for; null for all.
void add_freshness(Json& json, const std::string& job, const std::optional<Freshness>& is) {
  const auto stamp = [](std::optional<Instant> at) { return at ? Json(format_instant(*at)) : Json(); };
  json.set("job", is ? Json(job) : Json()).set("freshness", is ? Json(word_of(is->state)) : Json());
  json.set("last_success_at", is ? stamp(is->last_success) : Json());
  json.set("success_due_at", is ? stamp(is->due) : Json());
  json.set("fresh_within_ms", is && is->limit ? Json(static_cast<std::int64_t>(is->limit->count())) : Json());
}

}  // namespace

Json check_json(const Vigil& vigil, const std::string& job, Instant now) {
  Json list = Json::array();
  for (const auto& trouble : vigil.troubles)
    list.push(Json::object()
                  .set("severity", trouble.critical ? "CRITICAL" : "WARNING")
                  .set("kind", word_of(trouble.kind))
                  .set("job", trouble.job)
                  .set("run_date", json_or_null(trouble.run_date))
                  .set("what", trouble.what)
                  .set("next_action", trouble.next));
  Json json = Json::object().set("schema_version", 1).set("status", word_of(status_of(vigil)));
  json.set("code", static_cast<int>(status_of(vigil))).set("headline", headline(vigil, job, now));
  json.set("next_action", Json());
  json.set("jobs_total", static_cast<std::int64_t>(vigil.jobs))
      .set("jobs_paused", static_cast<std::int64_t>(vigil.paused));
  add_freshness(json, job, vigil.freshness);
  return json.set("troubles", std::move(list));
}

std::string unknown_text(const Error& error) {
  return fmt::format("JOBRUN UNKNOWN - {}\n{}", plain(error.what()),
                     error.next_step().empty() ? "" : plain(error.next_step()) + "\n");
}

Json unknown_json(const Error& error) {
  Json json = Json::object()
                  .set("schema_version", 1)
                  .set("status", word_of(CheckStatus::unknown))
                  .set("code", static_cast<int>(CheckStatus::unknown))
                  .set("headline", error.what())
                  .set("next_action", json_or_null(error.next_step()));
  json.set("jobs_total", Json()).set("jobs_paused", Json());
  add_freshness(json, "", {});
  return json.set("troubles", Json::array());
}

}  // namespace jobrun
