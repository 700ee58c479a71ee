// examples/job.schema.json against parse_manifest: the same keys, the same answer to the same documents.
// The validator below knows the part of JSON Schema draft-07 that the schema uses, and fails on any other
// keyword.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "base/text.hpp"
#include "contract/manifest.hpp"

using namespace jobrun;

namespace {

// The file, upwards from where this source stands, this program stands, or it runs.
std::string schema_text() {
  namespace fs = std::filesystem;
  for (fs::path above :
       {fs::path(__FILE__).parent_path(), fs::read_symlink("/proc/self/exe").parent_path(), fs::path(".")}) {
    for (int i = 0; i < 6; ++i, above /= "..") {
      std::ifstream file(above / "examples/job.schema.json");
      if (file) return {std::istreambuf_iterator<char>(file), {}};
    }
  }
  return {};
}

const Json& schema() {
  static const Json read = [] {
    auto json = Json::parse(schema_text());
    return json ? *json : Json();
  }();
  if (!read.is_object())
    FAIL("examples/job.schema.json was not found or is not JSON: run the test inside the repository");
  return read;
}

// Code points; the text is valid UTF-8.
std::wstring wide(const std::string& text) {
  std::wstring points;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      points.push_back(byte);
    } else if (byte < 0xc0) {
      points.back() = static_cast<wchar_t>((points.back() << 6) | (byte & 0x3f));
    } else {
      points.push_back(static_cast<wchar_t>(byte & (byte < 0xe0 ? 0x1f : byte < 0xf0 ? 0x0f : 0x07)));
    }
  }
  return points;
}

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  throw std::logic_error("type " + type);
}

bool fits(const Json& value, const Json& rule);

long fitting(const Json& value, const Json& rules) {
  return std::count_if(rules.items().begin(), rules.items().end(),
                       [&](const Json& rule) { return fits(value, rule); });
}

bool fits_members(const Json& value, const Json& rule) {
  for (const auto& [name, member] : value.members()) {
    if (rule.has("propertyNames") && !fits(Json(name), rule.at("propertyNames"))) return false;
    if (rule.at("properties").has(name)) {
      if (!fits(member, rule.at("properties").at(name))) return false;
    } else if (rule.has("additionalProperties")) {
      const Json& others = rule.at("additionalProperties");
      if (others.is_bool() ? !others.as_bool() : !fits(member, others)) return false;
    }
  }
  const auto& required = rule.at("required").items();
  return std::all_of(required.begin(), required.end(),
                     [&](const Json& name) { return value.has(name.as_string()); });
}

bool fits_keyword(const Json& value, const Json& rule, const std::string& keyword, const Json& says) {
  if (keyword == "$ref") {
    if (rule.members().size() != 1) throw std::logic_error("draft-07 ignores what stands beside a $ref");
    const std::string name = says.as_string().substr(std::string("#/definitions/").size());
    if (!schema().at("definitions").has(name)) throw std::logic_error("no definition " + name);
    return fits(value, schema().at("definitions").at(name));
  }
  if (keyword == "type") {
    if (says.is_string()) return is_of_type(value, says.as_string());
    return std::any_of(says.items().begin(), says.items().end(),
                       [&](const Json& type) { return is_of_type(value, type.as_string()); });
  }
  if (keyword == "enum")
    return std::find(says.items().begin(), says.items().end(), value) != says.items().end();
  if (keyword == "const") return value == says;
  if (keyword == "allOf") return fitting(value, says) == static_cast<long>(says.items().size());
  if (keyword == "anyOf") return fitting(value, says) > 0;
  if (keyword == "oneOf") return fitting(value, says) == 1;
  if (keyword == "if") return !fits(value, says) || fits(value, rule.at("then"));
  if (keyword == "minimum") return !value.is_number() || value.as_number() >= says.as_number();
  if (keyword == "maximum") return !value.is_number() || value.as_number() <= says.as_number();
  const auto length =
      static_cast<std::int64_t>(value.is_string() ? wide(value.as_string()).size() : value.items().size());
  if (keyword == "minLength") return !value.is_string() || length >= says.as_integer();
  if (keyword == "maxLength") return !value.is_string() || length <= says.as_integer();
  if (keyword == "minItems") return !value.is_array() || length >= says.as_integer();
  if (keyword == "maxItems") return !value.is_array() || length <= says.as_integer();
  if (keyword == "pattern") {
    return !value.is_string() ||
           std::regex_search(wide(value.as_string()), std::wregex(wide(says.as_string())));
  }
  if (keyword == "items") {
    return std::all_of(value.items().begin(), value.items().end(),
                       [&](const Json& item) { return fits(item, says); });
  }
  if (keyword == "uniqueItems") {
    std::set<std::string> seen;
    return std::all_of(value.items().begin(), value.items().end(),
                       [&](const Json& item) { return seen.insert(item.dump()).second; });
  }
  // read with others, or for people
  static const std::set<std::string> other = {
      "$schema",    "title",         "description",          "default", "definitions", "then",
      "properties", "propertyNames", "additionalProperties", "required"};
  if (other.count(keyword) == 0)
    throw std::logic_error("a keyword that this validator does not know: " + keyword);
  return true;
}

bool fits(const Json& value, const Json& rule) {
  for (const auto& [keyword, says] : rule.members()) {
    if (!fits_keyword(value, rule, keyword, says)) return false;
  }
  return !value.is_object() || fits_members(value, rule);
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> property_names(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, rule] : object.at("properties").members()) names.push_back(name);
  return sorted(names);
}

void check_described(const Json& object, const std::string& where) {
  for (const auto& [name, rule] : object.at("properties").members()) {
    CAPTURE(where, name);
    const bool by_definition =
        rule.has("$ref") &&
        schema().at("definitions").at(rule.at("$ref").as_string().substr(14)).has("description");
    CHECK((rule.has("description") || by_definition));
  }
}

// What the schema and the parser say about one document.
void check_same(const std::string& text, bool accepted) {
  CAPTURE(text);
  const auto json = Json::parse(text, Json::Comments::allow);
  REQUIRE(json);
  const auto manifest = parse_manifest("sync", "sync.json", text);
  if (static_cast<bool>(manifest) != accepted) {
    FAIL_CHECK("the parser says: " << (manifest ? "accepted" : manifest.error().what()));
  }
  if (fits(*json, schema()) != accepted)
    FAIL_CHECK("the schema says: " << (accepted ? "refused" : "accepted"));
}

std::string with(const std::string& members) {
  return "{\"command\": [\"a\"], " + members + "}";
}

}  // namespace

TEST_CASE("the schema for editors has the keys that the parser accepts, no more and no less") {
  CHECK(property_names(schema()) == sorted(manifest_key_names()));
  CHECK(property_names(schema().at("properties").at("retry")) == sorted(manifest_key_names("retry")));
  CHECK(property_names(schema().at("properties").at("output")) == sorted(manifest_key_names("output")));
  CHECK(property_names(schema().at("properties").at("http")) == sorted(manifest_key_names("http")));
  CHECK(property_names(schema().at("properties").at("success")) == sorted(manifest_key_names("success")));
  CHECK(property_names(schema().at("definitions").at("outcome")) == sorted(manifest_key_names("outcomes")));
  CHECK(property_names(schema().at("definitions").at("alert")) == sorted(manifest_key_names("alerts")));
  CHECK(property_names(schema().at("properties").at("pings")) == sorted(manifest_key_names("pings")));
}

TEST_CASE("the schema for editors describes every key") {
  check_described(schema(), "top");
  check_described(schema().at("properties").at("retry"), "retry");
  check_described(schema().at("properties").at("output"), "output");
  check_described(schema().at("properties").at("http"), "http");
  check_described(schema().at("properties").at("success"), "success");
  check_described(schema().at("definitions").at("outcome"), "outcomes");
  const Json& alert = schema().at("definitions").at("alert");
  check_described(alert, "alerts");
  check_described(alert.at("properties").at("webhook"), "webhook");
  check_described(alert.at("properties").at("mail"), "mail");
  check_described(schema().at("properties").at("pings"), "pings");
}

TEST_CASE("the schema for editors shows the defaults that the parser has") {
  const Manifest defaults = *parse_manifest("sync", "sync.json", "{\"command\": [\"a\"]}");
  const Json& top = schema().at("properties");
  const Json& retry = top.at("retry").at("properties");
  CHECK(top.at("timezone").at("default").as_string() == defaults.timezone);
  CHECK(top.at("parallel").at("default").as_integer() == defaults.parallel);
  CHECK(top.at("breaker").at("default").as_integer() == defaults.breaker);
  CHECK(*parse_duration(top.at("timeout").at("default").as_string()) == defaults.timeout);
  CHECK(*parse_duration(top.at("grace").at("default").as_string()) == defaults.grace);
  CHECK(top.at("leftovers").at("default").as_string() == (defaults.leave_leftovers ? "leave" : "kill"));
  CHECK(top.at("output").at("properties").at("limit").at("default").as_integer() ==
        static_cast<std::int64_t>(defaults.output_limit));
  CHECK(top.at("output").at("properties").at("file_limit").at("default").as_integer() ==
        static_cast<std::int64_t>(defaults.output_file_limit));
  CHECK(retry.at("max_attempts").at("default").as_integer() == defaults.retry.max_attempts);
  CHECK(*parse_duration(retry.at("first_delay").at("default").as_string()) == defaults.retry.first_delay);
  CHECK(retry.at("factor").at("default").as_number() == defaults.retry.factor);
  CHECK(*parse_duration(retry.at("max_delay").at("default").as_string()) == defaults.retry.max_delay);
  CHECK(retry.at("jitter").at("default").as_number() == defaults.retry.jitter);
  CHECK(*parse_duration(retry.at("window").at("default").as_string()) == defaults.retry.window);
}

TEST_CASE("the schema for editors knows every signal that the parser knows") {
  const auto& names = schema().at("definitions").at("signal").at("enum").items();
  std::set<int> numbers;
  for (const Json& name : names) {
    CAPTURE(name.as_string());
    const auto number = signal_number(name.as_string());
    REQUIRE(number);
    numbers.insert(*number);
  }
  for (int number = 1; number <= 31; ++number) CHECK(numbers.count(number) == 1);
}

TEST_CASE("what the parser accepts, the schema for editors accepts") {
  for (
      const char* text :
      {R"({"command": ["a"]})", R"({"native": "invoice_sync"})", R"({"command": ["sh", "-c", "a\nb"]})",
       R"({"http": {"url": "https://api.example.com:8443/v1?x=1"}})",
       R"({"http": {"url": "http://a", "method": "PUT", "headers": {"X-A": "b"}, "max_body": 0}})",
       R"({"http": {"url": "https://a", "idempotency": {}, "ca_file": "ca.pem", "connect_timeout": "1s"}})",
       R"({"http": {"url": "https://a", "idempotency": {"header": "X-T", "quoted": true, "token_ttl": "48h"}}})",
       R"({"http": {"url": "https://a"}, "outcomes": [{"status": [404, "500-599"], "verdict": "retry"}]})"}) {
    check_same(text, true);
  }
  for (
      const char* members : {
          R"("$schema": "job.schema.json", "description": "d", "owner": "o", "version": "1")",
          R"("runbook": "https://wiki.example.com/a")",
          R"("runbook": "http://a")",
          R"("period": "24h", "fresh_within": "1d2h")",
          R"("timezone": "Europe/Berlin")",
          R"("config": {"a": [1, null]})",
          R"("payload": null)",
          R"("payload": [1])",
          R"("units": ["a", "caf\u00e9", {"id": "b"}, {"id": "c", "config": {"x": 1}}, {"id": "d", "config": null}])",
          R"("units": {"file": "units.json"})",
          R"("units": {"command": ["./list"]})",
          R"("units": "-")",
          R"("parallel": 256)",
          R"("timeout": "1h30m10s250ms", "grace": "0s")",
          R"("timeout": "30d")",
          R"("retry": {})",
          R"("retry": {"max_attempts": 1, "first_delay": "0s", "factor": 1, "max_delay": "0s", "jitter": 1, "window": "1ms"})",
          R"("retry": {"factor": 1.5, "jitter": 0.25})",
          R"("outcomes": [])",
          R"("outcomes": [{"exit": 0, "verdict": "done"}, {"exit": "0-255", "verdict": "retry", "reason": "a.b_1"}])",
          R"("outcomes": [{"exit": [1, "20-29"], "signal": "SIGTERM", "verdict": "stop", "pause": true, "message": "m"}])",
          R"("outcomes": [{"signal": ["SIGHUP", "SIGSYS"], "verdict": "retry", "pause": false}])",
          R"("breaker": 0)",
          R"("leftovers": "kill")",
          R"("leftovers": "leave")",
          R"("env": {"A": "", "_b1": "x\ty", "PYTHONPATH": "lib", "https_proxy": "p", "ENVIRONMENT": "e", "XLD_": "l"})",
          R"("pass_env": [])",
          R"("pass_env": ["A", "proxy", "IFS_"])",
          R"("secrets": {"A": "credential:a.b", "B": "file:/run/b c", "C": "env:C1", "D": "credential:..."})",
          R"("workdir": "../work")",
          R"("output": {"limit": 1048576})",
          R"("output": {})",
          R"("output": {"limit": 0, "file_limit": 1073741824})",
          R"("success": {})",
          R"("keep": "90d")",
          R"("success": {"min_duration": "10s", "min_items": 3})",
          R"("alerts": [])",
          R"("alerts": [{"command": ["./tell.sh", "-x"]}])",
          R"("alerts": [{"on": ["stopped", "recovered"], "webhook": {"url": "https://a/b?c", "secret": "credential:hook"}}])",
          R"("alerts": [{"webhook": {"url": "env:SLACK", "format": "slack"}}, {"webhook": {"url": "http://a", "secret": "file:s", "format": "standard"}}])",
          R"("alerts": [{"mail": {"to": "a@example.com"}}, {"mail": {"to": ["a@b", "c@d"], "from": "j@h", "sendmail": "/bin/sendmail"}}])",
          R"("alerts": [{"mail": {"to": "a@b", "server": "smtp://localhost:25"}}])",
          R"("alerts": [{"mail": {"to": "a@b", "server": "smtps://mail.example.com", "user": "u", "password": "credential:p"}}])",
          R"("pings": {"url": "https://hc-ping.com/00000000-0000-4000-8000-000000000000"})",
          R"("pings": {"url": "credential:check"})",
      }) {
    check_same(with(members), true);
  }
}

TEST_CASE("what the parser refuses in one value, the schema for editors refuses") {
  for (const char* text : {"{}",
                           "[]",
                           R"({"command": ["a"], "native": "b"})",
                           R"({"command": []})",
                           R"({"command": [""]})",
                           R"({"command": "a"})",
                           R"({"command": ["a\u0000"]})",
                           R"({"native": "A"})",
                           R"({"native": ""})",
                           R"({"native": 5})",
                           R"({"http": {}})",
                           R"({"http": {"url": "ftp://a"}})",
                           R"({"http": {"url": "https://u:p@a/b"}})",
                           R"({"http": {"url": "https://a b"}})",
                           R"({"http": {"url": "https://a", "method": "post"}})",
                           R"({"http": {"url": "https://a", "headers": {"Host": "x"}}})",
                           R"({"http": {"url": "https://a", "headers": {"a b": "x"}}})",
                           R"({"http": {"url": "https://a", "headers": {"A": ""}}})",
                           R"({"http": {"url": "https://a", "idempotency": {"header": "a b"}}})",
                           R"({"http": {"url": "https://a", "idempotency": {"token_ttl": "0s"}}})",
                           R"({"http": {"url": "https://a", "max_body": -1}})",
                           R"({"http": {"url": "https://a", "body": {}}})",
                           R"({"http": {"url": "https://a"}, "command": ["a"]})"}) {
    check_same(text, false);
  }
  for (const char* members : {
           R"("ownr": "o")",
           R"("alerts": {})",
           R"("alerts": [{}])",
           R"("alerts": [{"on": ["stopped"]}])",
           R"("alerts": [{"on": [], "command": ["a"]}])",
           R"("alerts": [{"on": ["failed"], "command": ["a"]}])",
           R"("alerts": [{"on": ["stale", "stale"], "command": ["a"]}])",
           R"("alerts": [{"command": ["a"], "mail": {"to": "a@b"}}])",
           R"("alerts": [{"command": "a"}])",
           R"("alerts": [{"webhook": {"url": "https://a"}}])",
           R"("alerts": [{"webhook": {"secret": "env:A"}}])",
           R"("alerts": [{"webhook": {"url": "https://a", "secret": "whsec_AAAA"}}])",
           R"("alerts": [{"webhook": {"url": "ftp://a", "secret": "env:A"}}])",
           R"("alerts": [{"webhook": {"url": "https://u:p@a", "secret": "env:A"}}])",
           R"("alerts": [{"webhook": {"url": "https://a", "secret": "env:A", "format": "slack"}}])",
           R"("alerts": [{"webhook": {"url": "https://a", "format": "teams"}}])",
           R"("alerts": [{"mail": {}}])",
           R"("alerts": [{"mail": {"to": []}}])",
           R"("alerts": [{"mail": {"to": "a"}}])",
           R"("alerts": [{"mail": {"to": "A <a@b>"}}])",
           R"("alerts": [{"mail": {"to": "-a@b"}}])",
           R"("alerts": [{"mail": {"to": "a@b", "server": "http://a"}}])",
           R"("alerts": [{"mail": {"to": "a@b", "sendmail": "sendmail"}}])",
           R"("alerts": [{"mail": {"to": "a@b", "server": "smtp://a", "user": "u", "password": "p"}}])",
           R"("pings": {"url": "a"})",
           R"("pings": {"url": "https://a", "every": "1m"})",
           R"("keep": "0s")",
           R"("overlap": "skip")",
           R"("user": "a")",
           R"("success": {"min_items": 0})",
           R"("success": {"min_duration": "0s"})",
           R"("success": {"max_items": 1})",
           R"("pings": {})",
           R"("owner": "")",
           R"("owner": null)",
           R"("owner": "a\nb")",
           R"("owner": "a\u0085b")",
           R"("runbook": "ftp://a")",
           R"("runbook": "https://")",
           R"("runbook": "https://a b")",
           R"("period": "0s")",
           R"("period": "24 h")",
           R"("period": "1m1h")",
           R"("period": 5)",
           R"("period": "")",
           R"("config": [])",
           R"("config": null)",
           R"("units": [])",
           R"("units": {})",
           R"("units": {"file": "a", "command": ["a"]})",
           R"("units": {"command": "a"})",
           R"("units": "a")",
           R"("units": [5])",
           R"("units": [""])",
           R"("units": ["a\n"])",
           R"("units": [{"config": {}}])",
           R"("units": [{"id": "a", "config": []}])",
           R"("units": [{"id": "a", "x": 1}])",
           R"("parallel": 0)",
           R"("parallel": 257)",
           R"("timeout": "0s")",
           R"("timeout": "0h0m")",
           R"("grace": "ten")",
           R"("grace": "-1s")",
           R"("retry": {"attempts": 1})",
           R"("retry": {"max_attempts": 0})",
           R"("retry": {"max_attempts": 101})",
           R"("retry": {"factor": 0.9})",
           R"("retry": {"factor": 101})",
           R"("retry": {"jitter": 1.1})",
           R"("retry": {"window": "0s"})",
           R"("outcomes": {})",
           R"("outcomes": [{"verdict": "stop"}])",
           R"("outcomes": [{"exit": 1}])",
           R"("outcomes": [{"exit": 1, "verdict": "fail"}])",
           R"("outcomes": [{"exit": 256, "verdict": "stop"}])",
           R"("outcomes": [{"exit": -1, "verdict": "stop"}])",
           R"("outcomes": [{"exit": "1-256", "verdict": "stop"}])",
           R"("outcomes": [{"exit": "20", "verdict": "stop"}])",
           R"("outcomes": [{"exit": [], "verdict": "stop"}])",
           R"("outcomes": [{"signal": "TERM", "verdict": "stop"}])",
           R"("outcomes": [{"signal": 15, "verdict": "stop"}])",
           R"("outcomes": [{"exit": 1, "verdict": "retry", "pause": true}])",
           R"("outcomes": [{"exit": 1, "verdict": "stop", "pause": "yes"}])",
           R"("outcomes": [{"exit": 1, "verdict": "stop", "reason": "A"}])",
           R"("outcomes": [{"exit": 1, "verdict": "stop", "message": ""}])",
           R"("outcomes": [{"exit": 1, "verdict": "stop", "code": 1}])",
           R"("breaker": -1)",
           R"("leftovers": "keep")",
           R"("env": {"1A": "x"})",
           R"("env": {"": "x"})",
           R"("env": {"A": 5})",
           R"("env": {"A": "\u0000"})",
           R"("env": {"LD_PRELOAD": "x"})",
           R"("env": {"JOBRUN_UNIT": "x"})",
           R"("env": {"IFS": "x"})",
           R"("env": {"TRACEPARENT": "x"})",
           R"("pass_env": ["A", "A"])",
           R"("pass_env": ["BASH_ENV"])",
           R"("pass_env": ["PYTHONPATH"])",
           R"("pass_env": ["http_proxy"])",
           R"("pass_env": ["HTTP_PROXY"])",
           R"("pass_env": [5])",
           R"("secrets": {"ENV": "env:A"})",
           R"("secrets": {"A": "secret"})",
           R"("secrets": {"A": "credential:.."})",
           R"("secrets": {"A": "credential:a/b"})",
           R"("secrets": {"A": "env:1"})",
           R"("secrets": {"A": "file:"})",
           R"("workdir": "")",
           R"("output": {"limit": -1})",
           R"("output": {"limit": 1048577})",
           R"("output": {"keep": 1})",
           R"("output": {"file_limit": 1073741825})",
           R"("output": {"file_limit": "10MiB"})",
       }) {
    check_same(with(members), false);
  }
}

TEST_CASE("rules across keys and tables of the system are the parser's alone") {
  // draft-07 has no words for these; the schema's descriptions name them.
  for (const char* members : {
           R"("period": "1h", "retry": {"window": "2h"})",
           R"("retry": {"first_delay": "2h", "max_delay": "1h"})",
           R"("timeout": "31d")",
           R"("grace": "2h")",
           R"("period": "500ms")",
           R"("timezone": "Europe/Atlantis")",
           R"("units": ["a", "a"])",
           R"("outcomes": [{"exit": "29-20", "verdict": "stop"}])",
           R"("env": {"A": "x"}, "secrets": {"A": "env:B"})",
           R"("env": {"A": "x"}, "pass_env": ["A"])",
           R"("alerts": [{"mail": {"to": "a@b", "server": "smtp://a", "user": "u"}}])",
           R"("alerts": [{"mail": {"to": "a@b", "user": "u", "password": "env:P"}}])",
           R"("alerts": [{"mail": {"to": "a@b", "server": "smtp://a", "sendmail": "/a"}}])",
       }) {
    CAPTURE(members);
    const std::string text = with(members);
    CHECK_FALSE(parse_manifest("sync", "sync.json", text));
    CHECK(fits(*Json::parse(text), schema()));
  }
}
