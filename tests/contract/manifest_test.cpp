#include "contract/manifest.hpp"

#include <catch2/catch.hpp>
#include <csignal>

#include "base/text.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

const std::string path = "/etc/jobrun/jobs/sync.json";

// A manifest with a handler and `members`.
std::string with(const std::string& members) {
  return "{\"command\": [\"./sync\"]" + (members.empty() ? "" : ", " + members) + "}";
}

Manifest good(const std::string& text) {
  auto manifest = parse_manifest("sync", path, text);
  if (!manifest) FAIL(manifest.error().what());
  return *manifest;
}

std::string faults(const std::string& text) {
  const auto manifest = parse_manifest("sync", path, text);
  if (manifest) return "accepted";
  CHECK(manifest.error().fault() == Fault::setup);
  return manifest.error().what();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a manifest needs nothing but a handler, and the defaults are the contract's") {
  const std::string text = "{\"command\": [\"./sync\", \"--full\"]}";
  const Manifest manifest = good(text);
  CHECK(manifest.job == "sync");
  CHECK(manifest.folder == "/etc/jobrun/jobs");
  CHECK(manifest.text == text);
  CHECK(manifest.hash == sha256_hex(text));
  CHECK(manifest.handler == Manifest::Handler::command);
  CHECK(manifest.command == std::vector<std::string>{"./sync", "--full"});
  CHECK(manifest.timezone == "UTC");
  CHECK(manifest.config.is_null());
  CHECK(manifest.payload.is_null());
  CHECK(manifest.units.kind == UnitSource::Kind::single);
  CHECK(manifest.parallel == 1);
  CHECK(manifest.timeout == 1h);
  CHECK(manifest.grace == 10s);
  CHECK(manifest.retry.max_attempts == 4);
  CHECK(manifest.retry.first_delay == 30s);
  CHECK(manifest.retry.factor == 2);
  CHECK(manifest.retry.max_delay == 1h);
  CHECK(manifest.retry.jitter == 0.1);
  CHECK(manifest.retry.window == 6h);
  CHECK(manifest.breaker == 0);
  CHECK_FALSE(manifest.leave_leftovers);
  CHECK(manifest.output_limit == 16 * 1024);
  CHECK(output_file_limit(manifest) == 10 * 1024 * 1024);
  CHECK_FALSE(manifest.period);
}

TEST_CASE("a full manifest is read whole") {
  const Manifest manifest = good(R"({
    // the job's note
    "$schema": "job.schema.json",
    "description": "Pull new invoices of every account",
    "owner": "finance@example.com",
    "runbook": "https://wiki.example.com/invoice-sync",
    "version": "1.2",
    "period": "24h", "fresh_within": "26h", "timezone": "Europe/Berlin",
    "native": "invoice_sync", /* or "command" */
    "config": {"api": "https://api.example.com"},
    "payload": {"full": false},
    "secrets": {"BILLING_TOKEN": "credential:billing", "B": "file:/run/b", "C": "env:D"},
    "units": ["a", {"id": "b", "config": {"x": 1}}, {"id": "c"}],
    "parallel": 4, "timeout": "5m", "grace": "20s", "breaker": 5, "leftovers": "leave",
    "retry": {"max_attempts": 6, "first_delay": "10m", "factor": 1.5, "max_delay": "2h", "jitter": 0, "window": "12h"},
    "outcomes": [{"exit": [1, "20-29"], "verdict": "retry", "reason": "flaky"},
                 {"exit": 3, "signal": ["SIGTERM", "SIGHUP"], "verdict": "stop", "pause": true, "message": "token rejected"},
                 {"signal": "SIGUSR1", "verdict": "done"}],
    "env": {"LANG": "C.UTF-8", "EMPTY": "", "LINES": "a\nb"}, "pass_env": ["HTTPS_CA", "EDITOR"],
    "workdir": "work", "output": {"limit": 0}
  })");
  CHECK(manifest.description == "Pull new invoices of every account");
  CHECK(manifest.owner == "finance@example.com");
  CHECK(manifest.runbook == "https://wiki.example.com/invoice-sync");
  CHECK(manifest.version == "1.2");
  CHECK(manifest.period == Span(24h));
  CHECK(manifest.fresh_within == Span(26h));
  CHECK(manifest.timezone == "Europe/Berlin");
  CHECK(manifest.handler == Manifest::Handler::native);
  CHECK(manifest.native == "invoice_sync");
  CHECK(manifest.config.at("api").as_string() == "https://api.example.com");
  CHECK(manifest.payload.has("full"));
  REQUIRE(manifest.secrets.size() == 3);
  CHECK(manifest.secrets[0].first == "BILLING_TOKEN");
  CHECK(manifest.secrets[0].second.kind == SecretReference::Kind::credential);
  CHECK(manifest.secrets[0].second.name == "billing");
  CHECK(manifest.secrets[0].second.text == "credential:billing");
  CHECK(manifest.secrets[1].second.kind == SecretReference::Kind::file);
  CHECK(manifest.secrets[1].second.name == "/run/b");
  CHECK(manifest.secrets[2].second.kind == SecretReference::Kind::environment);
  CHECK(manifest.secrets[2].second.name == "D");
  CHECK(manifest.units.kind == UnitSource::Kind::list);
  REQUIRE(manifest.units.list.size() == 3);
  CHECK(manifest.units.list[0].id == "a");
  CHECK(manifest.units.list[0].config.is_null());
  CHECK(manifest.units.list[1].id == "b");
  CHECK(manifest.units.list[1].config.at("x").as_integer() == 1);
  CHECK(manifest.parallel == 4);
  CHECK(manifest.timeout == 5min);
  CHECK(manifest.grace == 20s);
  CHECK(manifest.breaker == 5);
  CHECK(manifest.leave_leftovers);
  CHECK(manifest.retry.max_attempts == 6);
  CHECK(manifest.retry.first_delay == 10min);
  CHECK(manifest.retry.factor == 1.5);
  CHECK(manifest.retry.max_delay == 2h);
  CHECK(manifest.retry.jitter == 0);
  CHECK(manifest.retry.window == 12h);
  REQUIRE(manifest.outcomes.size() == 3);
  REQUIRE(manifest.outcomes[0].exits.size() == 2);
  CHECK(manifest.outcomes[0].exits[1].first == 20);
  CHECK(manifest.outcomes[0].exits[1].last == 29);
  CHECK(manifest.outcomes[0].verdict.reason == "flaky");
  CHECK(manifest.outcomes[1].signals == std::vector<int>{SIGTERM, SIGHUP});
  CHECK(manifest.outcomes[1].verdict.pause);
  CHECK(manifest.outcomes[1].verdict.message == "token rejected");
  CHECK(manifest.outcomes[2].verdict.kind == VerdictKind::done);
  REQUIRE(manifest.env.size() == 3);
  CHECK(manifest.env[2] == std::pair<std::string, std::string>("LINES", "a\nb"));
  CHECK(manifest.pass_env == std::vector<std::string>{"HTTPS_CA", "EDITOR"});
  CHECK(manifest.workdir == "work");
  CHECK(manifest.output_limit == 0);
  CHECK(output_file_limit(manifest) == 0);  // a row that takes nothing has no file either
}

TEST_CASE("all faults of a manifest are told at once, each with file, line and path") {
  CHECK(
      faults(R"({
  "command": "sync.sh",
  "timeot": "5m",
  "retry": {
    "window": "6 hours",
    "jitter": 2
  },
  "alerts": [{"on": ["failed"]}],
  "parallel": 0
})") ==
      "/etc/jobrun/jobs/sync.json:2: command: must be an array of arguments such as [\"./sync.py\", "
      "\"--full\"]; "
      "no shell reads it\n"
      "/etc/jobrun/jobs/sync.json:3: timeot: unknown key; did you mean \"timeout\"?\n"
      "/etc/jobrun/jobs/sync.json:5: retry.window: \"6 hours\" is not a duration (write 90s, 10m, 6h or 2d)\n"
      "/etc/jobrun/jobs/sync.json:6: retry.jitter: 2 is not a number from 0 to 1\n"
      "/etc/jobrun/jobs/sync.json:8: alerts[0].on[0]: must be \"stopped\", \"exhausted\", \"in_doubt\", "
      "\"stale\" or \"recovered\"\n"
      "/etc/jobrun/jobs/sync.json:8: alerts[0]: tells nobody (give it \"command\", \"webhook\" or \"mail\")\n"
      "/etc/jobrun/jobs/sync.json:9: parallel: 0 is not an integer from 1 to 256");
}

TEST_CASE("a manifest that is not JSON is told with its line") {
  CHECK(contains(faults("{\n\"command\": [\"a\"],\n}"), path + ":3: "));
  CHECK(contains(faults("{\n\"command\": [\"a\"],\n\"owner\": \"a\",\n\"owner\": \"b\"\n}"), path + ":4: "));
  CHECK(contains(faults("{}{}"), path + ":1: "));
  CHECK(contains(faults(""), path + ":1: "));
  CHECK(contains(faults("[]"), path + ":1: must be an object, not an array"));
}

TEST_CASE("a manifest has exactly one handler") {
  CHECK(contains(faults("{}"), ":1: no handler"));
  CHECK(contains(faults(R"({"command": ["a"], "native": "b"})"), ":1: more than one handler"));
  CHECK(good(R"({"native": "b"})").native == "b");
  // A fault in the handler is not followed by "no handler".
  CHECK(faults(R"({"http": {}})") == path + ":1: http: has no url");
}

TEST_CASE("keys that belong to later versions are refused by name") {
  for (const char* key : {"overlap", "user"}) {
    CAPTURE(key);
    CHECK(contains(faults(with("\"" + std::string(key) + "\": {}")),
                   std::string(key) + ": is not supported by this version of jobrun"));
  }
}

TEST_CASE("a manifest named like a word of jobrun's own, or like no job, is refused") {
  for (const char* name : {"status", "run", "Sync", "a b", ""}) {
    CAPTURE(name);
    const auto manifest = parse_manifest(name, path, with(""));
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().fault() == Fault::setup);
    CHECK(manifest.error().what().find(path + ": ") == 0);
  }
}

TEST_CASE("the folder of a manifest is the one of its file") {
  CHECK(parse_manifest("sync", "sync.json", with(""))->folder == ".");
  CHECK(parse_manifest("sync", "/sync.json", with(""))->folder == "/");
  CHECK(parse_manifest("sync", "jobs/sync.json", with(""))->folder == "jobs");
}

TEST_CASE("a wrong value is refused with what is right") {
  struct Row {
    const char* members;
    const char* fault;
  };
  const Row rows[] = {
      {R"("owner": 5)", "owner: must be a string, not"},
      {R"("owner": null)", "owner: must be a string, not null"},
      {R"("owner": "")", "owner: has 0 bytes (allowed: 1 to 255)"},
      {R"("owner": "a\nb")", R"(owner: "a\nb" has control characters)"},
      {R"("runbook": "wiki")", "runbook: \"wiki\" is not a web address"},
      {R"("runbook": "javascript:alert")", "runbook:"},
      {R"("runbook": "https://")", "runbook:"},
      {R"("runbook": "https://a b")", "runbook:"},
      {R"("timezone": "Europe/Atlantis")", "timezone:"},
      {R"("timezone": "../../etc/passwd")", "timezone:"},
      {R"("period": "0s")", "period: \"0s\" is too short (at least 1s)"},
      {R"("period": 24)", "period: must be a duration such as \"90s\""},
      {R"("fresh_within": "a day")", "fresh_within:"},
      {R"("config": [])", "config: must be an object, not an array"},
      {R"("config": null)", "config:"},
      {R"("parallel": 257)", "parallel: 257 is not an integer from 1 to 256"},
      {R"("parallel": 1.5)", "parallel: must be an integer"},
      {R"("parallel": "4")", "parallel: must be an integer from 1 to 256, not a string"},
      {R"("timeout": "0s")", "timeout: \"0s\" is too short"},
      {R"("timeout": "31d")", "timeout: \"31d\" is too long (at most 30d)"},
      {R"("grace": "2h")", "grace: \"2h\" is too long (at most 1h)"},
      {R"("retry": 4)", "retry: must be an object, not"},
      {R"("retry": {"max_attempts": 0})", "retry.max_attempts: 0 is not an integer from 1 to 100"},
      {R"("retry": {"factor": 0.5})", "retry.factor: 0.5 is not a number from 1 to 100"},
      {R"("retry": {"jitter": -0.1})", "retry.jitter:"},
      {R"("retry": {"jitter": "10%"})", "retry.jitter: must be a number from 0 to 1, not a string"},
      {R"("retry": {"window": "0s"})", "retry.window:"},
      {R"("retry": {"attempts": 3})", "retry.attempts: unknown key"},
      {R"("retry": {"first_delay": "2h", "max_delay": "1h"})",
       "retry.first_delay: is longer than max_delay (2h > 1h)"},
      {R"("period": "1h", "retry": {"window": "2h"})", "retry.window: is longer than the period (2h > 1h)"},
      {R"("breaker": -1)", "breaker:"},
      {R"("leftovers": "keep")", "leftovers: must be \"kill\" or \"leave\""},
      {R"("output": {"limit": 1048577})", "output.limit: 1048577 is not an integer from 0 to 1048576"},
      {R"("output": {"keep": "16KiB"})", "output.keep: unknown key"},
      {R"("workdir": "")", "workdir:"},
      {R"("outcomes": {})", "outcomes: must be an array, not an object"},
      {R"("outcomes": [{"exit": 3}])", "outcomes[0]: has no verdict"},
      {R"("outcomes": [{"verdict": "stop"}])", "outcomes[0]: matches nothing"},
      {R"("outcomes": [{"exit": 256, "verdict": "stop"}])", "outcomes[0].exit: 256 is not an exit code"},
      {R"("outcomes": [{"exit": -1, "verdict": "stop"}])", "outcomes[0].exit:"},
      {R"("outcomes": [{"exit": "29-20", "verdict": "stop"}])",
       "outcomes[0].exit: \"29-20\" is not an exit code"},
      {R"("outcomes": [{"exit": "20", "verdict": "stop"}])", "outcomes[0].exit:"},
      {R"("outcomes": [{"exit": [1, "1-300"], "verdict": "stop"}])", "outcomes[0].exit[1]:"},
      {R"("outcomes": [{"exit": [], "verdict": "stop"}])", "outcomes[0].exit: is empty"},
      {R"("outcomes": [{"signal": "TERM", "verdict": "stop"}])",
       "outcomes[0].signal: \"TERM\" is not a signal's name"},
      {R"("outcomes": [{"signal": 15, "verdict": "stop"}])", "outcomes[0].signal:"},
      {R"("outcomes": [{"exit": 3, "verdict": "fail"}])", "outcomes[0].verdict: must be"},
      {R"("outcomes": [{"exit": 3, "verdict": "retry", "pause": true}])", "outcomes[0]: pause goes with"},
      {R"("outcomes": [{"exit": 3, "verdict": "stop", "pause": 1}])",
       "outcomes[0].pause: must be true or false"},
      {R"("outcomes": [{"exit": 3, "verdict": "stop", "reason": "Bad Token"}])", "outcomes[0].reason:"},
      {R"("outcomes": [{"exit": 3, "verdict": "stop", "mesage": "x"}])", "did you mean \"message\"?"},
      {R"("env": {"1A": "x"})", "env.1A: \"1A\" is not the name of an environment variable"},
      {R"("env": {"A-B": "x"})", "env.A-B:"},
      {R"("env": {"": "x"})", "is not the name of an environment variable"},
      {R"("env": {"A": 5})", "env.A: must be a string, not"},
      {R"("env": {"A": "x\u0000y"})", "env.A: has a NUL"},
      {R"("pass_env": "A")", "pass_env: must be an array, not a string"},
      {R"("pass_env": ["A", "A"])", "pass_env[1]: \"A\" is listed twice"},
      {R"("pass_env": ["PYTHONPATH"])", "pass_env[0]: \"PYTHONPATH\" is never taken from the caller"},
      {R"("pass_env": ["https_proxy"])", "pass_env[0]:"},
      {R"("pass_env": ["ALL_PROXY"])", "pass_env[0]:"},
      {R"("secrets": {"A": "env:B"}, "env": {"A": "x"})", "secrets.A: stands in env too"},
      {R"("secrets": {"A": "env:B"}, "pass_env": ["A"])", "pass_env: \"A\" stands in secrets too"},
      {R"("env": {"A": "b"}, "pass_env": ["A"])", "pass_env: \"A\" stands in env too"},
      {R"("secrets": {"A": "credential:"})", "secrets.A: is not a reference"},
      {R"("secrets": {"A": "credential:../b"})", "secrets.A:"},
      {R"("secrets": {"A": "credential:.."})", "secrets.A:"},
      {R"("secrets": {"A": "env:1B"})", "secrets.A:"},
      {R"("secrets": {"A": "vault:b"})", "secrets.A:"},
      {R"("units": [])", "units: is empty"},
      {R"("units": {})", "units: must have exactly one of"},
      {R"("units": {"file": "a.json", "command": ["a"]})", "units: must have exactly one of"},
      {R"("units": {"fil": "a.json"})", "units.fil: unknown key; did you mean \"file\"?"},
      {R"("units": {"command": []})", "units.command: is empty"},
      {R"("units": "accounts.json")", "units: must be a list of units"},
      {R"("units": ["a", 5])", "units[1]: a unit's id must be a string, not"},
      {R"("units": [{"config": {}}])", "units[0]: has no id"},
      {R"("units": [{"id": ""}])", "units[0].id:"},
      {R"("units": ["a\n"])", "units[0]:"},
      {R"("units": [{"id": "a", "config": []}])", "units[0].config: must be an object"},
      {R"("units": [{"id": "a", "name": "b"}])", "units[0].name: unknown key"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.members);
    const std::string found = faults(with(row.members));
    if (!contains(found, row.fault)) FAIL_CHECK(found << " // " << row.fault);
    CHECK(contains(found, path + ":1: "));
  }
  for (const char* command : {"[]", "[\"\"]", "[\"a\", 5]", "\"a\"", "[\"a\\u0000\"]", "{}", "null"}) {
    CAPTURE(command);
    CHECK(contains(faults("{\"command\": " + std::string(command) + "}"), "command"));
  }
  for (const char* native : {"\"\"", "\"A\"", "\"../a\"", "5", "null"}) {
    CAPTURE(native);
    CHECK(contains(faults("{\"native\": " + std::string(native) + "}"), ":1: native: "));
  }
}

TEST_CASE("variables that change what a program or shell executes are refused wherever they are named") {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS",
                           "JOBRUN_SOCKET", "JOBRUN_X", "TRACEPARENT"}) {
    CAPTURE(name);
    const std::string quoted_name = "\"" + std::string(name) + "\"";
    CHECK(contains(faults(with("\"env\": {" + quoted_name + ": \"x\"}")), "env." + std::string(name) + ": "));
    CHECK(contains(faults(with("\"secrets\": {" + quoted_name + ": \"env:A\"}")),
                   "secrets." + std::string(name) + ": "));
    CHECK(contains(faults(with("\"pass_env\": [" + quoted_name + "]")), "pass_env[0]: "));
  }
  CHECK(good(with(R"("env": {"PYTHONPATH": "lib", "https_proxy": "http://proxy"})")).env.size() == 2);
}

TEST_CASE("a secret that was written instead of a reference is not shown") {
  CHECK_FALSE(contains(faults(with(R"("secrets": {"A": "hunter2"})")), "hunter2"));
}

TEST_CASE("a window that was left out is not longer than the period") {
  CHECK(good(with(R"("period": "1h")")).retry.window == 1h);
  CHECK(good(with(R"("period": "24h")")).retry.window == 6h);
  CHECK(good(with(R"("period": "1h", "retry": {"window": "1h"})")).retry.window == 1h);
}

TEST_CASE("one delay that was left out bows to the other") {
  CHECK(good(with(R"("retry": {"first_delay": "2h"})")).retry.max_delay == 2h);
  CHECK(good(with(R"("retry": {"max_delay": "10s"})")).retry.first_delay == 10s);
}

TEST_CASE("units come from a list, a file, a command or standard input") {
  CHECK(good(with(R"("units": ["a"])")).units.kind == UnitSource::Kind::list);
  const Manifest from_file = good(with(R"("units": {"file": "accounts.json"})"));
  CHECK(from_file.units.kind == UnitSource::Kind::file);
  CHECK(from_file.units.file == "accounts.json");
  const Manifest from_command = good(with(R"("units": {"command": ["./list", "-a"]})"));
  CHECK(from_command.units.kind == UnitSource::Kind::command);
  CHECK(from_command.units.command == std::vector<std::string>{"./list", "-a"});
  CHECK(good(with(R"("units": "-")")).units.kind == UnitSource::Kind::standard_input);
}

TEST_CASE("a unit that is listed twice is refused by name with both lines") {
  CHECK(faults("{\"command\": [\"a\"],\n\"units\": [\"a\",\n\"b\",\n{\"id\": \"a\"}]}") ==
        path + ":4: units[2]: the unit \"a\" is listed twice (first in line 2)");
}

TEST_CASE("a list of units is checked wherever it comes from") {
  const auto units =
      parse_units(*Json::parse(R"(["a", {"id": "b", "config": null}, {"id": "c", "config": {"x": 1}}])"),
                  "accounts.json");
  REQUIRE(units);
  REQUIRE(units->size() == 3);
  CHECK((*units)[1].config.is_null());
  CHECK((*units)[2].config.has("x"));
  CHECK(parse_units(Json::array(), "x")->empty());  // a command may find nothing to do

  const auto bad = parse_units(*Json::parse("[\"a\",\n\"a\",\n5]"), "accounts.json");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().fault() == Fault::setup);
  CHECK(bad.error().what() ==
        "accounts.json:2: [1]: the unit \"a\" is listed twice (first in line 1)\n"
        "accounts.json:3: [2]: a unit's id must be a string, not an integer");
  CHECK(contains(parse_units(Json::object(), "accounts.json").error().what(),
                 "accounts.json: must be an array, not an object"));
}

TEST_CASE("a run has at most 100,000 units") {
  Json list = Json::array();
  for (int i = 0; i < 100'000; ++i) list.push("unit_" + std::to_string(i));
  REQUIRE(parse_units(list, "x"));
  CHECK(parse_units(list, "x")->size() == 100'000);
  list.push("one more");
  CHECK(contains(parse_units(list, "x").error().what(), "has 100001 elements (at most 100000)"));
}

TEST_CASE("of very many faults the first fifty are told and the others counted") {
  Json list = Json::array();
  for (int i = 0; i < 1000; ++i) list.push(i);
  const std::string found = parse_units(list, "x").error().what();
  CHECK(split(found, '\n').size() == 51);
  CHECK(contains(found, "x: and 950 more"));
}

TEST_CASE("a fault shows what it quotes safely") {
  const std::string found = faults(with(R"("\u001b[31mred": 1, "env": {"\u202eX": "y"})"));
  CHECK(found.find('\x1b') == std::string::npos);
  CHECK(contains(found, "\\x1b[31mred"));
  CHECK(contains(found, "<U+202E>X"));
}
