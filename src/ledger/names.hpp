// Names that a shell may complete: jobs, run ids, units and the keys of open effects, by how they begin.
// A look-up in an index each, bounded, the newest first where nothing was typed yet. Changes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

constexpr int most_names = 200;

Result<std::vector<std::string>> run_ids_beginning(Ledger& ledger, std::string_view prefix);
/// Run dates of a job, the latest first.
Result<std::vector<std::string>> run_dates_beginning(Ledger& ledger, std::string_view job,
                                                     std::string_view prefix);
/// Units of a job's latest run.
Result<std::vector<std::string>> units_beginning(Ledger& ledger, std::string_view job,
                                                 std::string_view prefix);
/// Of effects that are in doubt, of one job or, with an empty name, of all.
Result<std::vector<std::string>> open_keys_beginning(Ledger& ledger, std::string_view scope,
                                                     std::string_view prefix);

}  // namespace jobrun
