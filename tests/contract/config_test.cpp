#include "contract/config.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;

namespace {

std::string faults(std::string_view text, Config config = {}) {
  const auto read = read_config("/etc/jobrun/config.json", text, config);
  if (read) return "accepted";
  CHECK(read.error().fault() == Fault::setup);
  return read.error().what();
}

}  // namespace

TEST_CASE("a later configuration file's word replaces an earlier one's") {
  Config config;
  REQUIRE(read_config("/etc/jobrun/config.json", R"({"jobs": "/etc/jobrun/jobs"})", config));
  REQUIRE(read_config("/srv/a/config.json", R"({"jobs": "/srv/a/jobs", // mine
                                                 "ledger": "/srv/a/l.db"})",
                      config));
  CHECK(config.jobs == "/srv/a/jobs");
  CHECK(config.ledger == "/srv/a/l.db");
  CHECK(config.said_by.at("jobs") == "/srv/a/config.json");
}

TEST_CASE("nobody moves a ledger that an earlier file has named") {
  Config config;
  REQUIRE(read_config("/etc/jobrun/config.json", R"({"ledger": "/var/lib/jobrun/ledger.db"})", config));
  const auto moved = read_config("/srv/a/config.json", R"({"ledger": "/srv/a/l.db"})", config);
  REQUIRE_FALSE(moved);
  CHECK(moved.error().what() ==
        "/srv/a/config.json:1: ledger: the ledger is named by /etc/jobrun/config.json already");
  CHECK(config.ledger == "/var/lib/jobrun/ledger.db");
}

TEST_CASE("all faults of a configuration file are told at once, each with its line") {
  CHECK(faults("{\n \"ledger\": \"x.db\",\n \"jbos\": \"/a\"\n}") ==
        "/etc/jobrun/config.json:2: ledger: \"x.db\" is not an absolute path\n"
        "/etc/jobrun/config.json:3: jbos: unknown key; did you mean \"jobs\"?");
  CHECK(faults("[]") == "/etc/jobrun/config.json:1: must be an object, not an array");
  CHECK(faults(R"({"ledger": "/a", "ledger": "/b"})").find("ledger") != std::string::npos);
  CHECK(faults("{") != "accepted");
}

TEST_CASE("the configuration says how log lines look and where spans go") {
  Config config;
  REQUIRE(read_config("/etc/jobrun/config.json",
                      R"({"log": {"format": "json"}, "otlp": {"endpoint": "http://localhost:4318"}})",
                      config));
  CHECK(config.log_format == "json");
  CHECK(config.otlp_endpoint == "http://localhost:4318");
  CHECK(faults(R"({"log": {"format": "xml"}})") ==
        "/etc/jobrun/config.json:1: log.format: \"xml\" is not one of auto, text, logfmt and json");
  CHECK(faults(R"({"otlp": {"endpoint": "localhost"}})") ==
        "/etc/jobrun/config.json:1: otlp.endpoint: \"localhost\" is not a web address (write "
        "http://localhost:4318)");
}
