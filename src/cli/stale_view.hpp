// Which jobs are stale or can't run at all, as `status` shows them: what nobody was told because nothing
// happened. Prints nothing; a job without a manifest promises nothing and is passed over.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "run/matters.hpp"

namespace jobrun {

struct StaleJobs {
  Json list = Json::array();   ///< [{"job", "what", "since"}]
  std::vector<Matter> faulty;  ///< those whose manifest has a fault

  /// Adds the job if it is stale, or faulty.
  Result<void> look_at(Ledger& ledger, const std::string& jobs_folder, const std::string& job, Instant now);
  /// Each with what to do, 20 at the most; empty where there is none.
  /// `matters`: what was told already; a job that has one there is stale because of it.
  std::string text(const std::vector<Matter>& matters) const;
};

}  // namespace jobrun
