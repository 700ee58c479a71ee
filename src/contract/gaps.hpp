// Run dates that are missing between the first and the last of a job: nights that never started.
// Promises that a night which was run is never called missing, and says when it guessed the step. Pure: reads
// no ledger, and knows nothing of what is missing behind the last (that is staleness).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/civil.hpp"
#include "base/clock.hpp"

namespace jobrun {

struct Gaps {
  std::vector<std::string> missing;  ///< labels, oldest first
  /// The same, those in a row taken together.
  struct Stretch {
    std::string first, last;
    std::size_t count = 0;
  };
  std::vector<Stretch> stretches;
  std::string step;       ///< "1d", "1w", "1mo", "15m" as in a backfill; empty: nothing to go by
  bool inferred = false;  ///< the step is what was seen mostly, no manifest said it
  bool weekdays = false;  ///< days of the week that the job never ran on were not expected
  bool cut = false;       ///< there are more, older ones than `most`
};

/// `seen`: the labels of a job's runs, dates or instants, in any order; words that are neither are passed
/// over, and of a mixture only the kind that there is more of counts.
///
/// The step is `period` (the manifest's) where there is one. Else it is the usual distance of what was seen:
/// days or months for dates, minutes for instants; a day for fewer than three dates. A job that ran daily but
/// never on some days of the week, over three weeks, is not expected on those. An instant that came a little
/// early or late fills its place. Dates that the zone skipped are none. At most `most` labels, the latest.
Gaps gaps_between(const std::vector<std::string>& seen, std::optional<Span> period, const Zone& zone,
                  std::size_t most);

}  // namespace jobrun
