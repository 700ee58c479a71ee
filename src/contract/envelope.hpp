// The request for a run, checked: names, run date, payload. Contract 2.2.
// Every fault is a Fault::usage Error that names the word and shows a right one. Reads no clock and no file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/civil.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace jobrun {

/// Job `[a-z0-9][a-z0-9_.-]{0,63}` and not a reserved verb; run id `[A-Za-z0-9._:@/-]{1,128}`; unit UTF-8,
/// 1-255 bytes, no control characters.
Result<void> check_job_name(std::string_view name);
Result<void> check_run_id(std::string_view id);
Result<void> check_unit_id(std::string_view id);
/// UTF-8 without control characters (C0, DEL, C1): what may stand in a name, a key, a label.
bool is_plain_text(std::string_view bytes);
/// The words that no manifest may be named: all verbs of contract 2.1.
const std::vector<std::string>& reserved_words();

/// A run date resolved to its label.
struct RunDate {
  std::string label;        ///< "2026-04-12", or "2026-04-12T05:05:00Z" for instants and hourly/every tokens
  bool from_token = false;  ///< `today` and its like: the caller is told what it became
};
/// True where resolve_run_date needs the zone: tokens. (A plain date or instant does not, but for dates the
/// zone skipped.)
bool is_run_date_token(std::string_view text);
/// `2026-04-12`, an RFC 3339 instant, `today`, `yesterday`, `daily@HH:MM` (date of the latest HH:MM not after
/// now), `hourly@MM`, `every@15m` (latest multiple since local midnight; divides a day).
Result<RunDate> resolve_run_date(std::string_view text, const Zone& zone, Instant now);

struct Payload {
  std::string text;  ///< canonical JSON; empty: none was given
  std::string hash;  ///< sha256_hex of text; empty with it
};
/// null is no payload.
Result<Payload> make_payload(const Json& value);
/// The payload given as text; "line 1: ..." in the message where it is not JSON. At most 1 MiB.
Result<Payload> parse_payload(std::string_view text);

/// "invoice_sync:2026-04-12"
std::string derived_run_id(std::string_view job, std::string_view run_date);
/// "RUN_ID/UNIT#N"
std::string attempt_name(std::string_view run_id, std::string_view unit, int number);

/// Who called, told from the environment: {"systemd", INVOCATION_ID}, {"github", GITHUB_RUN_ID}, {"gitlab",
/// CI_PIPELINE_ID}, {"jenkins", BUILD_TAG}, {"kubernetes", HOSTNAME},
/// {"slurm", SLURM_JOB_ID}, {"ci", ""} for CI=true, {"shell", ""} on a terminal, {"cron", ""} where stdin is
/// no terminal and neither is known and SHELL/LOGNAME stand as cron sets them, else {"other", ""}.
struct Caller {
  std::string kind;
  std::string id;
};
Caller detect_caller(const std::vector<std::pair<std::string, std::string>>& environment, bool on_terminal);

}  // namespace jobrun
