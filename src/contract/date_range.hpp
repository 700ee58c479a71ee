// The run dates from one to another, a step apart: days, weeks and months on the calendar of a zone, hours
// and minutes as instants. Pure; knows no runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/civil.hpp"
#include "base/result.hpp"

namespace jobrun {

inline constexpr int most_run_dates = 1000;

/// Labels as resolve_run_date makes them, `from` and `to` included. Steps: "1d", "2w", "1mo" (the same day of
/// the month, or its last), "6h", "15m". Dates that the zone skipped are left out. Fault::usage for words
/// that are none, `from` after `to`, and more than most_run_dates.
Result<std::vector<std::string>> run_dates(std::string_view from, std::string_view to, std::string_view step,
                                           const Zone& zone);

}  // namespace jobrun
