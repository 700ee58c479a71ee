// A report as people and programs read it: one HTML page, Markdown for a CI summary, JSON.
// Promises self-contained text: no script, no request to anywhere, everything from outside escaped. Reads
// nothing and prints nothing; what is shown is all in the Report (run/report.hpp).
#pragma once

#include <string>

#include "base/json.hpp"
#include "cli/html.hpp"
#include "run/report.hpp"

namespace jobrun {

std::string report_page(const Report& report);
std::string report_markdown(const Report& report);
Json report_json(const Report& report);

// Parts of the page, in files of their own (report_*.cpp).

/// Bytes of one message on the page.
constexpr std::size_t most_text = 600;
/// The style sheet.
Html report_style();
/// A shape and a word: colour alone says nothing. `kind`: ok, warn, bad, info or none.
Html report_mark(std::string_view kind, std::string_view word);
/// The kind of mark for a unit's state or an attempt's.
std::string_view mark_kind(UnitState state);
std::string_view mark_kind(AttemptState state);
/// A <time> in the report's zone with UTC behind it; a dash for no stamp.
Html report_time(const Report& report, const std::string& stamp);
/// "2026-04-12 04:00" in the report's zone; the stamp itself where it is none.
std::string local_text(const Report& report, const std::string& stamp);
/// Backquoted commands of a next step become <code>.
Html report_step(std::string_view step);
/// "199 done, 1 stopped"
std::string counts_phrase(const Run::Counts& counts);
/// The definitions that strips refer to; once per page.
Html strip_shapes();
Html strip_of(const ReportJob& job);
/// "27 done, 2 missing (2026-04-03, 2026-04-05)"
std::string strip_phrase(const ReportJob& job);
Html bars_of(const ReportJob& job);
/// The sections that tell of single runs.
Html runs_section(const Report& report);
Html recent_section(const Report& report);
Html effects_section(const Report& report);

}  // namespace jobrun
