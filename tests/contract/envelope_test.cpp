#include "contract/envelope.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/text.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

Instant at(std::string_view text) {
  const auto instant = parse_instant(text);
  REQUIRE(instant);
  return *instant;
}

Zone zone(std::string_view name) {
  const auto found = Zone::named(name);
  REQUIRE(found);
  return *found;
}

std::string label(std::string_view text, std::string_view zone_name, std::string_view now) {
  const auto date = resolve_run_date(text, zone(zone_name), at(now));
  if (!date) return "refused: " + date.error().what();
  CHECK(date->from_token == is_run_date_token(text));
  return date->label;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a job's name is 1 to 64 of a-z 0-9 _ . - and begins with a letter or digit") {
  for (const std::string& name :
       {std::string("a"), std::string("invoice_sync"), std::string("2fa.reset-v1"), std::string(64, 'a')}) {
    CHECK(check_job_name(name));
  }
  for (const std::string& name :
       {std::string(), std::string("_a"), std::string(".a"), std::string("-a"), std::string("A"),
        std::string("a b"), std::string("a/b"), std::string("../a"), std::string("a\n"),
        std::string("caf\xc3\xa9"), std::string(65, 'a')}) {
    CAPTURE(name);
    const auto checked = check_job_name(name);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().fault() == Fault::usage);
    CHECK(contains(checked.error().what(), "such as invoice_sync"));
  }
}

TEST_CASE("no job may be named like a word of jobrun's own") {
  // Every verb of the command line, and the words that may become one.
  for (const char* word : {"run",   "tick",       "help",       "version",  "config", "validate", "init",
                           "jobs",  "doctor",     "completion", "backfill", "replay", "retry",    "preflight",
                           "once",  "checkpoint", "cursor",     "item",     "result", "progress", "status",
                           "show",  "history",    "log",        "effects",  "check",  "report",   "metrics",
                           "pause", "resume",     "prune",      "ledger",   "emit",   "inventory"}) {
    CAPTURE(word);
    const auto checked = check_job_name(word);
    REQUIRE_FALSE(checked);
    CHECK(contains(checked.error().what(), word));
  }
  CHECK(reserved_words().size() == 34);
  CHECK(check_job_name("status2"));
}

TEST_CASE("a run id is 1 to 128 of A-Z a-z 0-9 . _ : @ / -") {
  for (const std::string& id :
       {std::string("invoice_sync:2026-04-12"), std::string("A/b@c.d-e_f"), std::string(128, 'x')}) {
    CHECK(check_run_id(id));
  }
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a#1"),
                                std::string("a\n"), std::string("\xc3\xa9")}) {
    CAPTURE(id);
    REQUIRE_FALSE(check_run_id(id));
    CHECK(check_run_id(id).error().fault() == Fault::usage);
  }
}

TEST_CASE("a unit's id is any UTF-8 up to 255 bytes without control characters") {
  for (const std::string& id : {std::string("-"), std::string("customer 37/\xc3\xa9\xe2\x82\xac"),
                                std::string(255, 'x'), std::string("../../etc"), std::string("#1")}) {
    CHECK(check_unit_id(id));
  }
  for (const std::string& id : {std::string(), std::string(256, 'x'), std::string("a\tb"),
                                std::string("a\0", 2), std::string("\x1b[31m"), std::string("\x7f"),
                                std::string("\xc2\x85"), std::string("\xff"), std::string("\xc3")}) {
    CAPTURE(id);
    REQUIRE_FALSE(check_unit_id(id));
    CHECK(is_plain_text(check_unit_id(id).error().what()));  // a fault shows the id, and shows it safely
  }
}

TEST_CASE("a run date means the same in every call: tokens resolve to a label of their period") {
  struct Row {
    const char* text;
    const char* zone;
    const char* now;
    const char* label;
  };
  const Row rows[] = {
      {"2026-04-12", "UTC", "2026-04-20T10:00:00Z", "2026-04-12"},
      {"2026-04-12T05:05:00Z", "Europe/Berlin", "2026-04-20T10:00:00Z", "2026-04-12T05:05:00Z"},
      {"2026-04-12T05:05:00+02:00", "UTC", "2026-04-20T10:00:00Z", "2026-04-12T03:05:00Z"},
      {"2026-04-12t05:05:00.250z", "UTC", "2026-04-20T10:00:00Z", "2026-04-12T05:05:00.250Z"},
      // the zone's date, not the machine's
      {"today", "UTC", "2026-04-12T23:30:00Z", "2026-04-12"},
      {"today", "Europe/Berlin", "2026-04-12T23:30:00Z", "2026-04-13"},
      {"today", "America/New_York", "2026-04-13T02:00:00Z", "2026-04-12"},
      {"yesterday", "Europe/Berlin", "2026-04-12T23:30:00Z", "2026-04-12"},
      {"yesterday", "UTC", "2026-03-01T00:00:00Z", "2026-02-28"},
      {"yesterday", "UTC", "2024-03-01T00:00:00Z", "2024-02-29"},
      {"yesterday", "Pacific/Apia", "2011-12-31T00:00:00+14:00", "2011-12-29"},  // the 30th was skipped
      // daily: stable from 02:00 to the next 02:00
      {"daily@02:00", "UTC", "2026-04-12T01:59:59.999Z", "2026-04-11"},
      {"daily@02:00", "UTC", "2026-04-12T02:00:00Z", "2026-04-12"},
      {"daily@02:00", "UTC", "2026-04-13T00:10:00Z", "2026-04-12"},
      {"daily@00:00", "UTC", "2026-04-13T00:00:00Z", "2026-04-13"},
      {"daily@23:59", "UTC", "2026-01-01T00:00:00Z", "2025-12-31"},
      // 02:30 of 2026-03-29 is in Berlin's gap and shifts to 03:30, 01:30Z
      {"daily@02:30", "Europe/Berlin", "2026-03-29T01:29:59Z", "2026-03-28"},
      {"daily@02:30", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29"},
      // 02:30 of 2026-10-25 comes twice and counts at the first time, 00:30Z
      {"daily@02:30", "Europe/Berlin", "2026-10-25T00:29:59Z", "2026-10-24"},
      {"daily@02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25"},
      {"daily@02:30", "Europe/Berlin", "2026-10-25T01:15:00Z", "2026-10-25"},
      {"daily@12:00", "Pacific/Apia", "2011-12-31T08:00:00+14:00", "2011-12-29"},
      // hourly: the latest instant whose local minute it is
      {"hourly@05", "UTC", "2026-04-12T05:04:59.999Z", "2026-04-12T04:05:00Z"},
      {"hourly@05", "UTC", "2026-04-12T05:05:00Z", "2026-04-12T05:05:00Z"},
      {"hourly@00", "UTC", "2026-04-12T05:59:59.999Z", "2026-04-12T05:00:00Z"},
      {"hourly@59", "UTC", "2026-04-12T00:00:00Z", "2026-04-11T23:59:00Z"},
      {"hourly@05", "Asia/Kolkata", "2026-04-12T05:04:59Z", "2026-04-12T04:35:00Z"},
      {"hourly@05", "Asia/Kathmandu", "2026-04-12T05:20:00Z", "2026-04-12T05:20:00Z"},
      {"hourly@30", "Europe/Berlin", "2026-10-25T01:40:00Z",
       "2026-10-25T01:30:00Z"},  // the second 02:30 is another hour
      // Lord Howe goes from 02:00 to 02:30 at 2026-10-03T15:30Z
      {"hourly@35", "Australia/Lord_Howe", "2026-10-03T15:40:00Z", "2026-10-03T15:35:00Z"},
      {"hourly@50", "Australia/Lord_Howe", "2026-10-03T15:40:00Z", "2026-10-03T15:20:00Z"},
      {"hourly@15", "Australia/Lord_Howe", "2026-10-03T15:40:00Z", "2026-10-03T14:45:00Z"},
      // and back from 02:00 to 01:30 at 2026-04-04T15:00Z
      {"hourly@45", "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T14:45:00Z"},
      {"hourly@45", "Australia/Lord_Howe", "2026-04-04T15:20:00Z", "2026-04-04T15:15:00Z"},
      // every: multiples since local midnight
      {"every@15m", "UTC", "2026-04-12T05:14:59.999Z", "2026-04-12T05:00:00Z"},
      {"every@15m", "UTC", "2026-04-12T05:15:00Z", "2026-04-12T05:15:00Z"},
      {"every@1m", "UTC", "2026-04-12T05:15:30.5Z", "2026-04-12T05:15:00Z"},
      {"every@1h30m", "UTC", "2026-04-12T05:15:30Z", "2026-04-12T04:30:00Z"},
      {"every@6h", "Europe/Berlin", "2026-04-12T03:59:00Z", "2026-04-11T22:00:00Z"},
      {"every@6h", "Europe/Berlin", "2026-04-12T04:00:00Z", "2026-04-12T04:00:00Z"},
      {"every@24h", "Asia/Kolkata", "2026-04-12T05:00:00Z", "2026-04-11T18:30:00Z"},
      {"every@1d", "UTC", "2026-04-12T05:00:00Z", "2026-04-12T00:00:00Z"},
      // midnight of 2018-11-04 is in Sao Paulo's gap: the day begins at 01:00, 03:00Z
      {"every@6h", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z"},
      {"every@6h", "America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03T21:00:00Z"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text, row.zone, row.now);
    CHECK(label(row.text, row.zone, row.now) == row.label);
  }
}

TEST_CASE("a token never lies in the future and never goes back while time goes on") {
  for (const char* name :
       {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"}) {
    const Zone here = zone(name);
    for (const char* token : {"today", "daily@02:30", "hourly@05", "every@15m", "every@1h"}) {
      CAPTURE(name, token);
      std::string last;
      for (Instant now = at("2026-10-01T00:00:00Z"); now < at("2026-11-05T00:00:00Z"); now += 7min) {
        const auto date = resolve_run_date(token, here, now);
        REQUIRE(date);
        if (date->label < last) FAIL(format_instant(now) << ": " << date->label << " after " << last);
        last = date->label;
        if (last.size() > 10 && at(last) > now) FAIL(last << " is after " << format_instant(now));
      }
    }
  }
}

TEST_CASE("a date that does not exist in the zone is refused") {
  const std::string refusal = label("2011-12-30", "Pacific/Apia", "2026-04-12T00:00:00Z");
  CHECK(contains(refusal, "2011-12-30 does not exist in Pacific/Apia"));
  CHECK(label("2011-12-30", "UTC", "2026-04-12T00:00:00Z") == "2011-12-30");
}

TEST_CASE("a wrong run date gets one message that shows right ones") {
  for (const char* text : {"",
                           "tomorrow",
                           "Today",
                           " today",
                           "2026-4-12",
                           "12.04.2026",
                           "20260412",
                           "2026-04-12 05:00:00Z",
                           "2026-04-12T05:00:00",
                           "daily",
                           "daily@",
                           "daily@2:00",
                           "daily@24:00",
                           "daily@02:60",
                           "daily@02:00:00",
                           "daily@+2:00",
                           "hourly@",
                           "hourly@5",
                           "hourly@60",
                           "hourly@-1",
                           "now"}) {
    CAPTURE(text);
    const auto date = resolve_run_date(text, Zone::utc(), at("2026-04-12T00:00:00Z"));
    REQUIRE_FALSE(date);
    CHECK(date.error().fault() == Fault::usage);
    for (const char* form : {"2026-04-12", "today", "yesterday", "daily@02:00", "hourly@05", "every@15m"}) {
      CHECK(contains(date.error().what(), form));
    }
  }
  for (const char* text : {"2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31"}) {
    CAPTURE(text);
    const auto date = resolve_run_date(text, Zone::utc(), at("2026-04-12T00:00:00Z"));
    REQUIRE_FALSE(date);
    CHECK(contains(date.error().what(), text));
  }
}

TEST_CASE("the step of every@ is at least a minute and divides a day") {
  for (const char* text : {"every@", "every@7m", "every@30s", "every@0s", "every@25h", "every@2d", "every@15",
                           "every@-15m", "every@90s1ms"}) {
    CAPTURE(text);
    const std::string refusal = label(text, "UTC", "2026-04-12T00:00:00Z");
    CHECK(contains(refusal, "divides a day"));
  }
}

TEST_CASE("equal payloads have equal text and hash, however they were written") {
  const auto payload = parse_payload(" {\"b\": 1,\n \"a\": [1, 2]} ");
  REQUIRE(payload);
  CHECK(payload->text == "{\"a\":[1,2],\"b\":1}");
  CHECK(payload->hash == sha256_hex(payload->text));
  CHECK(parse_payload("{\"a\":[1,2],\"b\":1}")->hash == payload->hash);
  CHECK(parse_payload("{\"a\":[2,1],\"b\":1}")->hash != payload->hash);
  CHECK(parse_payload("\"text\"")->text == "\"text\"");
}

TEST_CASE("null is no payload") {
  CHECK(make_payload(Json())->text.empty());
  CHECK(make_payload(Json())->hash.empty());
  CHECK(parse_payload("null")->text.empty());
}

TEST_CASE("a payload that is not JSON or larger than 1 MiB is refused") {
  for (const std::string& text : {std::string(), std::string("{"), std::string("{\"a\":1,\"a\":2}"),
                                  std::string("// c\n1"), std::string("1 2")}) {
    CAPTURE(text);
    const auto payload = parse_payload(text);
    REQUIRE_FALSE(payload);
    CHECK(payload.error().fault() == Fault::usage);
    CHECK(contains(payload.error().what(), "line 1"));
  }
  const std::string fits = "\"" + std::string(1024 * 1024 - 2, 'x') + "\"";
  CHECK(parse_payload(fits));
  const auto payload = parse_payload(fits + " ");
  REQUIRE_FALSE(payload);
  CHECK(contains(payload.error().what(), "1 MiB"));
  CHECK_FALSE(make_payload(Json(std::string(1024 * 1024, 'x'))));
}

TEST_CASE("a run id that was left out is derived from job and run date") {
  CHECK(derived_run_id("invoice_sync", "2026-04-12") == "invoice_sync:2026-04-12");
  CHECK(check_run_id(derived_run_id("invoice_sync", "2026-04-12T05:05:00.250Z")));
  CHECK(attempt_name("invoice_sync:2026-04-12", "customer_37", 2) == "invoice_sync:2026-04-12/customer_37#2");
}

TEST_CASE("the caller is told from its environment") {
  const Environment cron = {
      {"SHELL", "/bin/sh"}, {"LOGNAME", "jobrun"}, {"HOME", "/"}, {"PATH", "/usr/bin:/bin"}};
  struct Row {
    Environment environment;
    bool on_terminal;
    const char* kind;
    const char* id;
  };
  const Row rows[] = {
      {{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"HOSTNAME", "sync-28-x"}, {"CI", "true"}},
       false,
       "kubernetes",
       "sync-28-x"},
      {{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"HOSTNAME", "runner-x"}, {"CI", "true"}, {"CI_PIPELINE_ID", "9"}},
       false,
       "gitlab",
       "9"},
      {{{"INVOCATION_ID", "abc"}, {"AIRFLOW_CTX_DAG_RUN_ID", "scheduled__2026-04-12T02:00:00+00:00"}},
       false,
       "airflow",
       "scheduled__2026-04-12T02:00:00+00:00"},
      {{{"INVOCATION_ID", "abc"}, {"NOMAD_ALLOC_ID", "a1"}}, false, "nomad", "a1"},
      {{{"SLURM_JOB_ID", "77"}, {"SHELL", "/bin/sh"}, {"LOGNAME", "a"}}, true, "slurm", "77"},
      {{{"SLURM_JOB_ID", "77"}}, false, "slurm", "77"},
      {{{"CI", "true"}, {"GITHUB_RUN_ID", "123"}}, false, "github", "123"},
      {{{"CI", "true"}, {"CI_PIPELINE_ID", "9"}}, false, "gitlab", "9"},
      {{{"BUILD_TAG", "jenkins-sync-4"}}, false, "jenkins", "jenkins-sync-4"},
      {{{"CI", "true"}}, false, "ci", ""},
      {{{"CI", "false"}}, false, "other", ""},
      {{{"INVOCATION_ID", "abc"}}, false, "systemd", "abc"},
      {{{"INVOCATION_ID", "abc"}, {"TERM", "xterm"}},
       true,
       "shell",
       ""},  // a desktop's terminal inherits the id
      {{{"TERM", "xterm"}, {"SHELL", "/bin/bash"}, {"LOGNAME", "a"}}, true, "shell", ""},
      {cron, false, "cron", ""},
      {cron, true, "shell", ""},
      {{{"TERM", "xterm"}, {"SHELL", "/bin/sh"}, {"LOGNAME", "a"}}, false, "other", ""},
      {{}, false, "other", ""},
      {{{"SLURM_JOB_ID", ""}, {"GITHUB_RUN_ID", ""}}, false, "other", ""},
  };
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    CAPTURE(i);
    const Caller caller = detect_caller(rows[i].environment, rows[i].on_terminal);
    CHECK(caller.kind == rows[i].kind);
    CHECK(caller.id == rows[i].id);
  }
}

TEST_CASE("a caller's id is kept short and safe to show") {
  const Caller caller = detect_caller({{"BUILD_TAG", "\x1b[31m" + std::string(1000, 'x')}}, false);
  CHECK(caller.id.size() <= 128);
  CHECK(is_plain_text(caller.id));
}
