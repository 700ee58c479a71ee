// The words of a call: run dates, payloads, ids, durations, Retry-After; what is accepted means the same
// again.
#include "base/text.hpp"
#include "cli/html.hpp"
#include "contract/date_range.hpp"
#include "contract/envelope.hpp"
#include "contract/exit_codes.hpp"
#include "contract/retry.hpp"
#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jobrun;
  using jobrun_fuzz::must;
  if (size == 0) return 0;
  const std::string_view text = jobrun_fuzz::text(data + 1, size - 1);
  const Instant now = *parse_instant("2026-04-12T02:00:00Z");
  const Zone zone = Zone::utc();
  switch (data[0] % 6) {
    case 0:
      if (const auto date = resolve_run_date(text, zone, now)) {
        const auto again = resolve_run_date(date->label, zone, now);
        must(again && again->label == date->label && !again->from_token, "a label stands for itself");
      }
      break;
    case 1:
      if (const auto payload = parse_payload(text); payload && !payload->text.empty()) {
        const auto again = parse_payload(payload->text);
        must(again && again->text == payload->text && again->hash == payload->hash,
             "canonical JSON is canonical");
      }
      break;
    case 2:
      if (const auto span = parse_duration(text)) {
        const auto again = parse_duration(format_duration(*span));
        must(again && *again == *span, "a duration is written as it is read");
      }
      break;
    case 3:
      if (const auto wait = parse_retry_after(text, now))
        must(*wait >= Span(0) && *wait <= std::chrono::hours(24 * 366), "a wait is within its bounds");
      break;
    case 4:
      if (const auto at = parse_instant(text)) {
        const auto again = parse_instant(format_instant(*at));
        must(again && *again == *at, "an instant is written as it is read");
      }
      break;
    default:
      (void)ExitMap::parse(text);
      (void)check_job_name(text);
      (void)check_run_id(text);
      (void)check_unit_id(text);
      must(is_plain_text(printable(text)), "what is shown is plain text");
      must(is_plain_text(escape_html(text)) && escape_html(text).find_first_of("<>\"'") == std::string::npos,
           "nothing opens a tag or ends an attribute");
      must(html_lines(text).text().find_first_of("<>\"'\r\x1b") == std::string::npos, "nor on several lines");
      if (is_web_address(text))
        must(text.starts_with("http") && escape_html(text).find_first_of(" \"'<>") == std::string::npos,
             "a link is a web address");
      if (const auto comma = text.find(','); comma != std::string_view::npos)
        if (const auto dates = run_dates(text.substr(0, comma), text.substr(comma + 1), "1d", zone))
          must(!dates->empty() && dates->size() <= static_cast<std::size_t>(most_run_dates),
               "a range is bounded");
      break;
  }
  return 0;
}
