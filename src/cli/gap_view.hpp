// The run dates that are missing of a job, read from the ledger by its manifest's period, and how they are
// shown. Prints nothing. A job whose manifest is gone or faulty is judged by its runs alone.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/gaps.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

struct JobGaps {
  std::string job, first, last;  ///< the labels between which was looked; empty: no runs
  Gaps gaps;
};
/// Between `from` and `to` where those are not empty; a job's latest 10,000 run dates, and at most
/// most_run_dates that are missing.
Result<JobGaps> gaps_of(Ledger& ledger, const std::string& jobs_folder, const std::string& job,
                        const std::string& from, const std::string& to);

/// "2026-04-11", or "2026-04-11 to 2026-04-14 (4)".
std::string stretch_text(const Gaps::Stretch& stretch);
/// A sentence, the rows, and the command that fills them.
std::string gaps_text(const JobGaps& found);
Json gaps_json(const JobGaps& found);

}  // namespace jobrun
