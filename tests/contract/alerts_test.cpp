#include "contract/alerts.hpp"

#include <catch2/catch.hpp>

#include "base/civil.hpp"
#include "base/text.hpp"
#include "contract/manifest.hpp"
#include "contract/manifest_parts.hpp"

using namespace jobrun;

namespace {

std::vector<AlertTarget> targets(const std::string& written) {
  const auto manifest =
      parse_manifest("sync", "/jobs/sync.json", R"({"command": ["a"], "alerts": )" + written + "}");
  if (!manifest) FAIL(manifest.error().what());
  return *manifest->alerts;
}

AlertFact stopped(const std::string& unit, const std::string& message = "the token was refused") {
  return {AlertEvent::stopped,       unit, 2, "rejected", message, "mend it", "2026-04-12T02:00:00.000Z",
          "2026-04-12T02:00:00.000Z"};
}

AlertMessage message(std::vector<AlertFact> facts) {
  AlertMessage made;
  made.id = "jr_1";
  made.at = "2026-04-12T02:00:01.000Z";
  made.job = "sync";
  made.run_id = "sync:2026-04-12";
  made.run_date = "2026-04-12";
  made.host = "box";
  made.command = "jobrun retry sync --run-date 2026-04-12";
  made.facts = std::move(facts);
  return made;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a target that says nothing of events is told of all") {
  for (const AlertEvent event : alert_events) CHECK(targets(R"([{"command": ["a"]}])")[0].wants(event));
  const auto few = targets(R"([{"on": ["stale"], "command": ["a"]}])");
  CHECK(wants(few, AlertEvent::stale));
  CHECK_FALSE(wants(few, AlertEvent::stopped));
}

TEST_CASE("a target is kept as it was written, its paths on the manifest's folder, and read back") {
  for (const char* written : {
           R"([{"on": ["stopped"], "command": ["./tell.sh", "a"]}])",
           R"([{"webhook": {"url": "https://a/b", "secret": "file:hook"}}])",
           R"([{"webhook": {"url": "credential:slack", "format": "slack"}}])",
           R"([{"mail": {"to": ["a@b", "c@d"], "from": "e@f"}}])",
           R"([{"mail": {"to": "a@b", "server": "smtp://h:25", "user": "u", "password": "env:P"}}])",
       }) {
    CAPTURE(written);
    const AlertTarget target = targets(written)[0];
    const auto back = kept_alert_target(target.json().dump());
    REQUIRE(back);
    CHECK(back->json() == target.json());
    CHECK(back->name() == target.name());
  }
  CHECK(targets(R"([{"command": ["./tell.sh"]}])")[0].command.front() == "/jobs/tell.sh");
  CHECK(targets(R"([{"webhook": {"url": "https://a/b", "secret": "file:hook"}}])")[0].secret ==
        "file:/jobs/hook");
}

TEST_CASE("a target's name never holds more of an address than the host") {
  CHECK(targets(R"([{"webhook": {"url": "https://a.b/services/SECRET?x", "secret": "env:S"}}])")[0].name() ==
        "webhook https://a.b");
}

TEST_CASE("a message of one unit says all of it at the top") {
  const Json body = message({stopped("customer_37")}).json();
  CHECK(body.at("schema_version").as_integer() == 1);
  CHECK(body.at("type").as_string() == "job.stopped");
  CHECK(body.at("unit").as_string() == "customer_37");
  CHECK(body.at("attempt").as_integer() == 2);
  CHECK(body.at("units").items().size() == 1);
  CHECK(alert_subject(body) == "sync 2026-04-12: customer_37 stopped (rejected)");
  const std::string text = alert_text(body);
  for (const char* part :
       {"the token was refused", "mend it", "jobrun retry sync --run-date 2026-04-12", "box"})
    CHECK(contains(text, part));
}

TEST_CASE("a message of many units is one, with the gravest of them as its event") {
  std::vector<AlertFact> facts;
  for (int i = 0; i < 150; ++i) facts.push_back(stopped("u" + std::to_string(i)));
  facts[149].event = AlertEvent::in_doubt;
  const Json body = message(facts).json();
  CHECK(body.at("event").as_string() == "in_doubt");
  CHECK(body.at("units_total").as_integer() == 150);
  CHECK(body.at("units").items().size() == 100);
  CHECK(body.at("unit").is_null());
  CHECK(alert_subject(body) == "sync 2026-04-12: 150 units need a person (1 in_doubt, 149 stopped)");
  CHECK(contains(alert_text(body), "and 130 more"));
}

TEST_CASE("a recovery says since when it had not been well") {
  AlertFact fact = stopped("-");
  fact.event = AlertEvent::recovered;
  const Json body = message({fact}).json();
  CHECK(alert_subject(body) == "sync 2026-04-12: recovered");
  CHECK(body.at("since").as_string() == "2026-04-12T02:00:00.000Z");
}

TEST_CASE("a job as a whole has no unit") {
  AlertFact fact = stopped("");
  fact.event = AlertEvent::stale;
  CHECK(alert_subject(message({fact}).json()) == "sync is stale");
  fact.event = AlertEvent::recovered;
  CHECK(alert_subject(message({fact}).json()) == "sync is fresh again");
}

TEST_CASE("hostile words do nothing in a mail or in Slack") {
  const Json body = message({stopped("a\xe2\x80\xae"
                                     "b",
                                     "x\r\nBcc: all@example.com <!channel> & \x1b[31m")})
                        .json();
  const std::string mail = mail_message(body, "jobrun@box", {"a@b"});
  CHECK_FALSE(contains(mail, "\nBcc:"));
  CHECK_FALSE(contains(mail, "\x1b"));
  CHECK_FALSE(contains(mail.substr(0, mail.find("\n\n")), "\xe2\x80\xae"));
  CHECK(contains(slack_body(body), "&lt;!channel&gt; &amp;"));
  CHECK_FALSE(contains(slack_body(body), "<!channel>"));
}

TEST_CASE("a mail has the headers of RFC 5322 and says that a machine wrote it") {
  const std::string mail =
      mail_message(message({stopped("gr\xc3\xbcn")}).json(), "jobs@example.com", {"a@b", "c@d"});
  for (const char* header :
       {"From: jobrun <jobs@example.com>\n", "To: a@b,\n c@d\n", "Date: Sun, 12 Apr 2026 02:00:01 +0000\n",
        "Message-ID: <jr_1@example.com>\n", "Auto-Submitted: auto-generated\n", "Subject: =?UTF-8?B?"})
    CHECK(contains(mail, header));
}

TEST_CASE("a mail's date is that of RFC 5322") {
  CHECK(mail_date(*parse_instant("2024-02-29T23:59:59Z")) == "Thu, 29 Feb 2024 23:59:59 +0000");
}
