// How a job stands and what needs a person, read from the ledger and shown as text and JSON.
// Prints nothing; grows with the jobs and matters that are shown, not with the ledger.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "ledger/history.hpp"
#include "run/matters.hpp"

namespace jobrun {

/// What needs a person, each with the words to type; or one line that nothing does.
std::string attention_text(const std::vector<Matter>& matters, Instant now);
Json json_of(const Matter& matter);

/// All jobs that have a manifest or ever ran, sorted; only `job` where that is not empty. Fault::usage, with
/// the nearest name, where there is none such.
Result<std::vector<std::string>> known_jobs(Ledger& ledger, const std::string& jobs_folder,
                                            const std::string& job);

struct JobStanding {
  std::string job;
  std::optional<Run> run;
  std::optional<Success> success;
  std::optional<LatestError> error;
  std::string next_at;  ///< when a waiting unit of it is tried again; empty: none waits
};
Result<JobStanding> standing_of(Ledger& ledger, const std::string& job);
/// Those that are not done first; with very many the rest is counted.
std::string standings_text(const std::vector<JobStanding>& standings, Instant now);
/// The units of a job's latest run: those that need a person first, then those that go on; the rest is
/// counted.
Result<std::string> standing_units_text(Ledger& ledger, const Run& run, Instant now);
Json json_of(const JobStanding& standing);

/// "sync 2026-04-12: not due before ..., by a clock that was 1d ahead of now when it was tried"
std::string phrase_of(const AheadOfClock& ahead, Instant now);
std::string ahead_text(const std::vector<AheadOfClock>& rows, Instant now);
Json ahead_json(const std::vector<AheadOfClock>& rows);

}  // namespace jobrun
