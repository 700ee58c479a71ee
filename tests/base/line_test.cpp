#include "base/line.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

const Instant kAt = std::chrono::sys_days{std::chrono::year{2026} / 4 / 12} + 2h + 5ms;

std::string field(const std::string& value) {
  const std::string line = logfmt_line(kAt, "info", "m", {{"f", value}});
  const std::string before = "ts=2026-04-12T02:00:00.005Z level=info msg=m f=";
  REQUIRE(line.substr(0, before.size()) == before);
  return line.substr(before.size());
}

}  // namespace

TEST_CASE("a log line has the time, the level, the message and then the fields in their order") {
  CHECK(logfmt_line(kAt, "info", "attempt started", {{"run", "backup:2026-04-12"}, {"attempt", "1"}}) ==
        "ts=2026-04-12T02:00:00.005Z level=info msg=\"attempt started\" run=backup:2026-04-12 attempt=1");
  CHECK(logfmt_line(kAt, "warn", "late", {}) == "ts=2026-04-12T02:00:00.005Z level=warn msg=late");
}

TEST_CASE("a value is quoted only where a reader would take it for something else") {
  CHECK(field("plain") == "plain");
  CHECK(field("a/b:c#1") == "a/b:c#1");
  CHECK(field("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(field("C:\\dir") == "C:\\dir");
  CHECK(field("") == "\"\"");
  CHECK(field("two words") == "\"two words\"");
  CHECK(field("a=b") == "\"a=b\"");
  CHECK(field("say \"hi\"") == "\"say \\\"hi\\\"\"");
  CHECK(field("\"") == "\"\\\"\"");
  CHECK(field("C:\\my dir") == "\"C:\\\\my dir\"");
}

TEST_CASE("whatever a value holds, the log line stays one line without control characters") {
  CHECK(field("a\nb") == "\"a\\nb\"");
  CHECK(field("a\\nb c") == "\"a\\\\nb c\"");
  CHECK(field("\x1b[2J") == "\"\\x1b[2J\"");
  CHECK(field("tab\there") == "\"tab\\there\"");
  CHECK(field("bad\xff") == "bad\xef\xbf\xbd");
  CHECK(field("\xe2\x80\xae") == "<U+202E>");
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  for (char c : logfmt_line(kAt, every, every, {{"f", every}})) {
    CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK(c != '\x7f');
  }
}

TEST_CASE("the same event as JSON is one object with the same names") {
  CHECK(json_line(kAt, "warn", "attempt \"failed\"\n", {{"unit", "a\x1b"}, {"attempt", "2"}}) ==
        "{\"ts\":\"2026-04-12T02:00:00.005Z\",\"level\":\"warn\",\"msg\":\"attempt \\\"failed\\\"\\n\","
        "\"unit\":\"a\\u001b\",\"attempt\":2}");
  CHECK(json_line(kAt, "info", "\xff", {}).find("\xef\xbf\xbd") != std::string::npos);
}

TEST_CASE("an entry of the journal has named fields, those with a newline by their length") {
  CHECK(journal_entry("error", "m", {{"run_id", "a=b"}, {"unit", ""}}) ==
        "MESSAGE=m\nPRIORITY=3\nSYSLOG_IDENTIFIER=jobrun\nJOBRUN_RUN_ID=a=b\n");
  CHECK(journal_entry("info", "a\nPRIORITY=0", {}) ==
        std::string("MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n", 29) +
            "PRIORITY=6\nSYSLOG_IDENTIFIER=jobrun\n");
}
