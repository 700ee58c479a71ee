// What invoice_sync makes of answers that a real list seldom gives: odd shapes, circles, times from another
// age.
#include "jobs/invoice_api.hpp"

#include <catch2/catch.hpp>

#include "base/civil.hpp"
#include "jobs/registry.hpp"
#include "support/loopback_server.hpp"
#include "support/memory_context.hpp"
#include "support/temporary_folder.hpp"

using namespace jobrun;
using jobrun_test::Connection;
using jobrun_test::LoopbackServer;

namespace {

std::string row(const std::string& id, const std::string& created) {
  return R"({"id":")" + id + R"(","number":"A-1","status":"paid","currency":"eur","amount_due":5,)" +
         R"("amount_paid":5,"total":5,"customer_email":null,"created":)" + created + "}";
}

std::string page(const std::string& rows, bool has_more) {
  return R"({"object":"list","has_more":)" + std::string(has_more ? "true" : "false") + R"(,"data":[)" +
         rows + "]}";
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// The job against a list that answers by `list(request, how many times it was asked)`; webhooks are taken.
struct Peer {
  using List = std::function<std::string(const std::string& request, int number)>;
  explicit Peer(List list)
      : server([this, list = std::move(list)](Connection& peer, const std::string& request) {
          peer.say(request.rfind("POST", 0) == 0 ? ok("") : list(request, ++asked));
          return true;
        }) {}

  Verdict sync(Instant now = *parse_instant("2026-04-13T00:30:00Z")) {
    Json config = Json::object();
    config.set("api", server.url(""));
    config.set("store", folder.path() + "/invoices.db");
    config.set("webhook", server.url("/hook"));
    jobrun_test::MemoryContext context(ledger, "customer_1", std::move(config));
    context.secrets = {{"BILLING_TOKEN", "t"}, {"WEBHOOK_SECRET", "whsec_AAAA"}};
    context.time = now;
    return find_native_job("invoice_sync")->job(context);
  }
  const std::string& cursor() { return ledger.cursors["-"]; }

  std::atomic<int> asked{0};
  jobrun_test::TemporaryFolder folder;
  jobrun_test::MemoryLedger ledger;
  LoopbackServer server;
};

}  // namespace

TEST_CASE("A fault of a page is told with its place") {
  const std::string good = row("in_1", "1775952000");
  const auto [body, told] = GENERATE_COPY(table<std::string, std::string>({
      {"<html>", "not JSON: line 1"},
      {"[]", "not an object but an array"},
      {"{}", "has_more is not a boolean but null"},
      {R"({"has_more":false})", "data is not an array but null"},
      {page("7", false), "data[0] is not an object but an integer"},
      {page(good + "," + row("in_2", "\"soon\""), false), "data[1].created is not an integer but a string"},
      {page(row("in_2", "1775952000000"), false), "data[0].created is not a time in seconds (1775952000000)"},
      {page(row("in_2", "1775952000.5"), false), "data[0].created is not an integer but a number"},
      {page(row("in 2", "1"), false), "data[0].id is not 1 to 200 letters"},
      {page(row("", "1"), false), "data[0].id is not 1 to 200 letters"},
      {page(R"({"id":"in_3","number":4})", false), "data[0].number is not a string or null but an integer"},
      {page(R"({"id":"in_3","number":null})", false), "data[0].currency is missing"},
  }));
  const auto parsed = parse_invoice_page(body);
  REQUIRE(!parsed);
  INFO(parsed.error().what());
  CHECK(parsed.error().what().rfind(told, 0) == 0);
}

TEST_CASE("A page's address has what it needs and nothing else") {
  CHECK(invoice_page_url("https://a", {10, {}, ""}) == "https://a/v1/invoices?limit=10");
  CHECK(invoice_page_url("https://a", {100, 17, "in_9"}) ==
        "https://a/v1/invoices?limit=100&created%5Bgte%5D=17&starting_after=in_9");
}

TEST_CASE("A list that leads in a circle stops the job") {
  SECTION("the same page again") {
    Peer peer([](const std::string&, int) { return ok(page(row("in_1", "1775952000"), true)); });
    const Verdict verdict = peer.sync();
    CHECK(verdict.reason == "malformed_answer");
    CHECK(verdict.message ==
          "list invoices of customer_1: /v1/invoices page 2: the list does not move on: in_1 ends a second "
          "page");
  }
  SECTION("two pages in turns") {
    Peer peer([](const std::string&, int number) {
      return ok(page(row(number % 2 ? "in_1" : "in_2", "1775952000"), true));
    });
    CHECK(peer.sync().reason == "malformed_answer");
    CHECK(peer.asked == 3);
  }
  SECTION("more of nothing") {
    Peer peer([](const std::string&, int) { return ok(page("", true)); });
    CHECK(peer.sync().reason == "malformed_answer");
    CHECK(peer.asked == 1);
  }
  SECTION("an invoice that is never known when it is asked for") {
    Peer peer([](const std::string& request, int) {
      if (request.find("starting_after") == std::string::npos)
        return ok(page(row("in_1", "1775952000"), true));
      return std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 37\r\n\r\n") +
             R"({"error":{"code":"resource_missing"}})";
    });
    const Verdict verdict = peer.sync();
    CHECK(verdict.kind == VerdictKind::stop);
    CHECK(verdict.reason == "request_refused");
    CHECK(peer.asked == 4);
  }
  SECTION("a promise of more that is never kept") {
    Peer peer([](const std::string& request, int) {
      const bool first = request.find("starting_after") == std::string::npos;
      return ok(page(first ? row("in_1", "1775952000") : "", first));
    });
    CHECK(peer.sync().reason == "malformed_answer");
    CHECK(peer.cursor() == R"({"newest":"2026-04-12T00:00:00Z","after":"in_1"})");
  }
}

TEST_CASE("An invoice that is dated far ahead hides no other") {
  Peer peer(
      [](const std::string&, int) { return ok(page(row("in_1", "4102444800"), false)); });  // the year 2100
  CHECK(peer.sync().kind == VerdictKind::done);
  CHECK(peer.cursor() == R"({"since":"2026-04-13T00:30:00Z"})");
  CHECK(peer.sync(*parse_instant("2020-01-01T00:00:00Z")).kind == VerdictKind::done);
  CHECK(peer.cursor() == R"({"since":"2026-04-13T00:30:00Z"})");  // and it never goes back
}

TEST_CASE("A sync looks back from the newest invoice, and says who asks") {
  Peer peer([](const std::string&, int) { return ok(page(row("in_1", "1775952000"), false)); });
  CHECK(peer.sync().kind == VerdictKind::done);
  CHECK(peer.sync().kind == VerdictKind::done);
  std::vector<std::string> lists, hooks;
  for (const std::string& request : peer.server.requests())
    (request.rfind("GET", 0) == 0 ? lists : hooks).push_back(request);
  REQUIRE(lists.size() == 2);
  CHECK(lists[0].rfind("GET /v1/invoices?limit=100 HTTP/1.1\r\n", 0) == 0);
  CHECK(lists[1].rfind("GET /v1/invoices?limit=100&created%5Bgte%5D=1775865600 ", 0) == 0);  // 24 h
  for (const char* header : {"Authorization: Bearer t\r\n", "Stripe-Account: customer_1\r\n",
                             "User-Agent: jobrun/", "X-Jobrun-Run: nightly-2026-04-12/customer_1#1\r\n"}) {
    CHECK(lists[0].find(header) != std::string::npos);
  }
  REQUIRE(hooks.size() == 1);
  CHECK(hooks[0].find("X-Jobrun-Run: nightly-2026-04-12/customer_1#1\r\n") != std::string::npos);
  CHECK(hooks[0].find("Authorization") == std::string::npos);
  CHECK(hooks[0].substr(hooks[0].find("\r\n\r\n") + 4) ==
        R"({"type":"invoice.synced","timestamp":"2026-04-13T00:30:00.000Z","data":{"id":"in_1",)"
        R"("account":"customer_1","number":"A-1","total":5,"currency":"eur","status":"paid"}})");
}
