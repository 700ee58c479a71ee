// How a job stands and what needs a person, read from the ledger and shown as text and JSON.
// Prints nothing; grows with the jobs and matters that are shown, not with the ledger.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "ledger/history.hpp"

namespace jobrun {

/// What needs a person, newest first, each with the words to type; or one line that nothing does.
std::string attention_text(const std::vector<Attention>& rows, Instant now);

struct JobStanding {
  std::string job;
  std::optional<Run> run;
  std::optional<Success> success;
  std::optional<LatestError> error;
};
Result<JobStanding> standing_of(Ledger& ledger, const std::string& job);
std::vector<std::string> row_of(const JobStanding& standing, Instant now);
Json json_of(const JobStanding& standing);

}  // namespace jobrun
