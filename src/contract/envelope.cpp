#include "contract/envelope.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "contract/schedule.hpp"

namespace jobrun {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t payload_limit = 1024 * 1024;
constexpr std::string_view accepted_run_dates =
    "2026-04-12, 2026-04-12T02:00:00Z, today, yesterday, daily@02:00, hourly@05 or every@15m";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c);
}

Error bad_run_date(std::string_view text) {
  return usage_error(in_quotes(text) + " is not a run date (write " + std::string(accepted_run_dates) + ")");
}

// The latest date before `date` that clocks of the zone have shown.
Date day_before(Date date, const Zone& zone) {
  do {
    date = std::chrono::sys_days(date) - std::chrono::days(1);
  } while (!zone.has(date));
  return date;
}

RunDate daily(Span time, const Zone& zone, Instant now) {
  Date date = zone.date(now);
  while (zone.instant(date, std::chrono::duration_cast<std::chrono::seconds>(time)) > now) {
    date = day_before(date, zone);
  }
  return RunDate{format_date(date), true};
}

RunDate hourly(Span minute, const Zone& zone, Instant now) {
  const auto local = [&](Instant at) { return zone.time_of_day(at); };
  const auto is_it = [&](Instant at) { return (local(at) - minute) % 3600s == 0s; };
  const Instant second = std::chrono::floor<std::chrono::seconds>(now);
  Instant at = second - (local(second) - minute + 3600s) % 3600s;
  // Wrong only within an hour after a change by part of an hour (Australia/Lord_Howe): then minute by minute.
  if (!is_it(at)) {
    at = second - local(second) % 60s;
    for (int i = 0; i < 24 * 60 && !is_it(at); ++i) at -= 1min;
  }
  return RunDate{format_instant_short(at), true};
}

RunDate every(Span step, const Zone& zone, Instant now) {
  Date date = zone.date(now);
  Instant midnight = zone.instant(date, 0s);
  while (midnight > now) midnight = zone.instant(date = day_before(date, zone), 0s);
  return RunDate{format_instant_short(now - (now - midnight) % step), true};
}

RunDate latest(const Schedule& schedule, const Zone& zone, Instant now) {
  switch (schedule.kind) {
    case Schedule::Kind::daily:
      return daily(schedule.span, zone, now);
    case Schedule::Kind::hourly:
      return hourly(schedule.span, zone, now);
    case Schedule::Kind::every:
      return every(schedule.span, zone, now);
  }
  return {};
}

bool looks_like_date(std::string_view text) {
  if (text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7 ? text[i] != '-' : !is_digit(text[i])) return false;
  }
  return true;
}

}  // namespace

bool is_plain_text(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // C1 (U+0080-U+009F): a terminal may take them for escape sequences.
    if (byte == 0xc2 && i + 1 < bytes.size() && static_cast<unsigned char>(bytes[i + 1]) < 0xa0) return false;
  }
  return is_utf8(bytes);
}

const std::vector<std::string>& reserved_words() {
  static const std::vector<std::string> words = {// set up
                                                 "init", "jobs", "doctor", "completion",
                                                 // do
                                                 "run", "tick", "backfill", "replay", "retry", "preflight",
                                                 // from inside a job
                                                 "once", "checkpoint", "cursor", "item", "result", "progress",
                                                 // look
                                                 "status", "show", "history", "log", "effects", "check",
                                                 "report", "metrics",
                                                 // steer
                                                 "pause", "resume", "prune", "ledger",
                                                 // outside world
                                                 "emit", "inventory",
                                                 // what every tool has or may get
                                                 "help", "version", "config", "validate"};
  return words;
}

Result<void> check_job_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 64 && is_lower_or_digit(name[0]) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return is_lower_or_digit(c) || c == '_' || c == '.' || c == '-';
                    });
  if (!good) {
    return usage_error(in_quotes(name) +
                       " is not a job name (1 to 64 of a-z 0-9 _ . -, the first a letter or digit, "
                       "such as invoice_sync)");
  }
  const auto& words = reserved_words();
  if (std::find(words.begin(), words.end(), name) != words.end()) {
    return usage_error(in_quotes(name) + " is a word of jobrun's own and can't name a job");
  }
  return {};
}

Result<void> check_run_id(std::string_view id) {
  const bool good = !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') ||
           std::string_view("._:@/-").find(c) != std::string_view::npos;
  });
  if (good) return {};
  return usage_error(
      in_quotes(id) +
      " is not a run id (1 to 128 of A-Z a-z 0-9 . _ : @ / -, such as invoice_sync:2026-04-12)");
}

Result<void> check_unit_id(std::string_view id) {
  if (id.empty() || id.size() > 255) {
    return usage_error("a unit's id has 1 to 255 bytes, this one has " + std::to_string(id.size()) +
                       " (write one such as customer_37)");
  }
  if (is_plain_text(id)) return {};
  return usage_error(in_quotes(id) +
                     " is not a unit's id (UTF-8 without control characters, such as customer_37)");
}

bool is_run_date_token(std::string_view text) {
  return text == "today" || text == "yesterday" || text.starts_with("daily@") ||
         text.starts_with("hourly@") || text.starts_with("every@");
}

Result<RunDate> resolve_run_date(std::string_view text, const Zone& zone, Instant now) {
  if (text == "today") return RunDate{format_date(zone.date(now)), true};
  if (text == "yesterday") return RunDate{format_date(day_before(zone.date(now), zone)), true};

  if (const auto schedule = read_schedule(text)) return latest(*schedule, zone, now);
  if (text.starts_with("every@"))
    return usage_error(in_quotes(text) +
                       " is not a run date: the step of every@ is at least 1m and divides a day "
                       "(1m, 5m, 15m, 1h, 6h, 24h)");
  if (looks_like_date(text)) {
    const auto date = parse_date(text);
    if (!date) return date.error();
    if (!zone.has(*date)) {
      return usage_error("the run date " + std::string(text) + " does not exist in " + zone.name() +
                         " (clocks there skipped it)");
    }
    return RunDate{format_date(*date), false};
  }
  if (const auto instant = parse_instant(text)) return RunDate{format_instant_short(*instant), false};
  return bad_run_date(text);
}

Result<Payload> make_payload(const Json& value) {
  if (value.is_null()) return Payload{};
  Payload payload;
  payload.text = value.canonical();
  if (payload.text.size() > payload_limit) {
    return usage_error(
        "the payload has " + std::to_string(payload.text.size()) + " bytes, the limit is 1 MiB",
        "hand over a path or a reference to larger input");
  }
  payload.hash = sha256_hex(payload.text);
  return payload;
}

Result<Payload> parse_payload(std::string_view text) {
  if (text.size() > payload_limit) {
    return usage_error("the payload has " + std::to_string(text.size()) + " bytes, the limit is 1 MiB",
                       "hand over a path or a reference to larger input");
  }
  const auto value = Json::parse(text);
  if (!value)
    return usage_error("the payload is not JSON: " + value.error().what(), value.error().next_step());
  return make_payload(*value);
}

std::string derived_run_id(std::string_view job, std::string_view run_date) {
  return std::string(job) + ":" + std::string(run_date);
}

std::string attempt_name(std::string_view run_id, std::string_view unit, int number) {
  return std::string(run_id) + "/" + std::string(unit) + "#" + std::to_string(number);
}

Caller detect_caller(const std::vector<std::pair<std::string, std::string>>& environment, bool on_terminal) {
  const auto find = [&](std::string_view name) -> std::string_view {
    for (const auto& [key, value] : environment) {
      if (key == name) return value;
    }
    return {};
  };
  // Stored and shown later, so nothing of it may reach a terminal raw.
  const auto caller = [](std::string_view kind, std::string_view id) {
    return Caller{std::string(kind), clip(printable(id), 128)};
  };
  struct Mark {
    std::string_view kind, mark, id;
  };
  // The innermost first: a CI job in a pod is told by its pipeline, which a person can open, and not by the
  // pod.
  static constexpr Mark marks[] = {
      {"github", "GITHUB_RUN_ID", "GITHUB_RUN_ID"},
      {"gitlab", "CI_PIPELINE_ID", "CI_PIPELINE_ID"},
      {"jenkins", "BUILD_TAG", "BUILD_TAG"},
      {"airflow", "AIRFLOW_CTX_DAG_RUN_ID", "AIRFLOW_CTX_DAG_RUN_ID"},
      {"nomad", "NOMAD_ALLOC_ID", "NOMAD_ALLOC_ID"},
      {"slurm", "SLURM_JOB_ID", "SLURM_JOB_ID"},
      {"kubernetes", "KUBERNETES_SERVICE_HOST", "HOSTNAME"},
  };
  for (const Mark& mark : marks) {
    if (!find(mark.mark).empty()) return caller(mark.kind, find(mark.id));
  }
  if (find("CI") == "true") return caller("ci", "");
  // A desktop's terminal is itself started by systemd and hands its INVOCATION_ID to every shell in it.
  if (on_terminal) return caller("shell", "");
  if (!find("INVOCATION_ID").empty()) return caller("systemd", find("INVOCATION_ID"));
  // crontab(5): SHELL is /bin/sh, LOGNAME and HOME come from passwd, and little else is set.
  if (find("SHELL") == "/bin/sh" && !find("LOGNAME").empty() && find("TERM").empty())
    return caller("cron", "");
  return caller("other", "");
}

}  // namespace jobrun
