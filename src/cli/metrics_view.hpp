// Figures of all jobs in Prometheus' text format (exposition format 0.0.4), for a textfile collector.
// Promises base units, times as values and never as stamps, HELP and TYPE once for each name, and a number of
// series that grows with the jobs that have a manifest (at most 1000) and with nothing else.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

Result<std::string> metrics_text(Ledger& ledger, const std::string& jobs_folder, Instant now);

}  // namespace jobrun
