// The job invoice_sync against a billing API on loopback, a real database and a ledger in memory.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "base/sqlite.hpp"
#include "jobs/registry.hpp"
#include "support/billing_service.hpp"
#include "support/memory_context.hpp"
#include "support/temporary_folder.hpp"

using namespace jobrun;
using jobrun_test::BillingService;
using jobrun_test::Killed;
using jobrun_test::MemoryContext;
using jobrun_test::MemoryLedger;

namespace {

constexpr const char* token = "sk_test_demo";
constexpr const char* webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// The API, the team's database, and one ledger per account.
struct World {
  explicit World(std::vector<std::string> options = {"--accounts", "2", "--history", "12"})
      : api(std::move(options)) {}

  MemoryContext context(const std::string& account = "customer_1") {
    Json config = Json::object();
    config.set("api", api.url());
    config.set("store", store);
    config.set("webhook", api.url() + "/webhooks/invoices");
    config.set("page_size", 5);
    config.set("timeout", "10s");
    MemoryContext made(ledgers[account], account, std::move(config));
    made.secrets = {{"BILLING_TOKEN", token}, {"WEBHOOK_SECRET", webhook_secret}};
    return made;
  }
  static Verdict run(MemoryContext& context) { return find_native_job("invoice_sync")->job(context); }
  Verdict sync(const std::string& account = "customer_1") {
    MemoryContext made = context(account);
    return run(made);
  }

  std::vector<std::string> stored(const char* sql) {
    auto database = Database::open(store, Database::Mode::read_only, "store");
    REQUIRE(database);
    auto select = database->prepare(sql);
    REQUIRE(select);
    std::vector<std::string> rows;
    while (*select->step()) rows.push_back(select->text(0));
    return rows;
  }

  /// Every invoice of the account once in the store and once told, by one token and nobody else's.
  void check_complete(const std::string& account) {
    const Json report = api.report();
    std::set<std::string> expected, tokens;
    for (const Json& id : report.at("accounts").at(account).items()) expected.insert(id.as_string());
    std::vector<std::string> rows =
        stored("SELECT account || ' ' || id FROM invoices WHERE notified_at IS NOT NULL");
    std::set<std::string> kept;
    for (const std::string& row : rows) {
      if (row.rfind(account + " ", 0) == 0) CHECK(kept.insert(row.substr(account.size() + 1)).second);
    }
    CHECK(kept == expected);
    std::set<std::string> delivered;
    for (const auto& [id, delivery] : report.at("deliveries").members()) {
      if (delivery.at("account").as_string() != account) continue;
      delivered.insert(id);
      CHECK(delivery.at("tokens").items().size() == 1);
      tokens.insert(delivery.at("tokens").items().at(0).as_string());
    }
    CHECK(delivered == expected);
    CHECK(tokens.size() == expected.size());
    CHECK(report.at("bad_signatures").as_integer() == 0);
  }

  jobrun_test::TemporaryFolder folder;
  std::string store = folder.path() + "/invoices.db";
  BillingService api;
  std::map<std::string, MemoryLedger> ledgers;
};

std::int64_t raw_deliveries(World& world) {
  return world.api.report().at("raw_deliveries").as_integer();
}

}  // namespace

TEST_CASE("A first sync stores every invoice and tells of each once") {
  World world;
  const Verdict verdict = world.sync();
  INFO(verdict.message);
  CHECK(verdict.kind == VerdictKind::done);
  const std::size_t count = world.stored("SELECT id FROM invoices").size();
  CHECK(count > 5);
  CHECK(verdict.message ==
        std::to_string(count) + " invoices stored, " + std::to_string(count) + " webhooks sent");
  world.check_complete("customer_1");
  CHECK(world.stored("SELECT id FROM invoices WHERE account <> 'customer_1'").empty());
  CHECK(has(world.ledgers["customer_1"].cursors["-"], R"({"since":"2026-)"));
}

TEST_CASE("A second sync with nothing new changes nothing") {
  World world;
  world.sync();
  const auto before = world.stored("SELECT id || updated_at || notified_at FROM invoices ORDER BY id");
  const auto ledger = world.ledgers["customer_1"];
  MemoryContext later = world.context();
  later.time += std::chrono::hours(24);
  const Verdict verdict = World::run(later);
  CHECK(verdict.message == "0 invoices stored, 0 webhooks sent");
  CHECK(world.stored("SELECT id || updated_at || notified_at FROM invoices ORDER BY id") == before);
  CHECK(world.ledgers["customer_1"].cursors == ledger.cursors);
  CHECK(world.ledgers["customer_1"].checkpoints == ledger.checkpoints);
  CHECK(raw_deliveries(world) == static_cast<std::int64_t>(before.size()));
}

TEST_CASE("A second sync reads and stores what is new, and not the history again") {
  World world({"--accounts", "1", "--history", "60"});
  world.sync();
  world.api.night("2026-04-12");
  MemoryContext later = world.context();
  CHECK(World::run(later).kind == VerdictKind::done);
  world.check_complete("customer_1");
  CHECK(later.requests < 20);
}

TEST_CASE("A kill at any point loses nothing, repeats no row and tells of nothing under a second token") {
  World world({"--accounts", "60", "--history", "20"});  // an account for each point
  for (int point = 1; point <= 60; ++point) {
    const std::string account = "customer_" + std::to_string(point);
    INFO("killed at point " << point);
    MemoryContext killed = world.context(account);
    killed.kill_at = point;
    CHECK_THROWS_AS(World::run(killed), Killed);
    CHECK(world.sync(account).kind == VerdictKind::done);
    world.check_complete(account);
  }
}

TEST_CASE("A long history goes on where it was left, and then looks at what came meanwhile") {
  World world({"--accounts", "1", "--history", "40"});
  MemoryContext killed = world.context();
  killed.kill_at = 10;  // behind the third request: two pages and their checkpoints went before
  CHECK_THROWS_AS(World::run(killed), Killed);
  CHECK(killed.requests == 3);
  CHECK(has(world.ledgers["customer_1"].cursors["-"], "\"after\":\"in_"));
  world.api.night("2026-04-12");
  MemoryContext again = world.context();
  CHECK(World::run(again).kind == VerdictKind::done);
  world.check_complete("customer_1");
  CHECK(!has(world.ledgers["customer_1"].cursors["-"], "after"));
}

TEST_CASE("A place to go on from that the provider does not know any more begins the walk again") {
  World world;
  world.ledgers["customer_1"].cursors["-"] =
      R"({"newest":"2026-04-11T20:00:00Z","after":"in_000000000000000000000000"})";
  CHECK(world.sync().kind == VerdictKind::done);
  world.check_complete("customer_1");
}

TEST_CASE("A cursor that makes no sense stops with what is wrong") {
  World world;
  const auto [cursor, told] = GENERATE(table<const char*, const char*>(
      {{"yesterday", "not JSON"},
       {"[1]", "not an object but an array"},
       {R"({"since": 1712880000})", "since is not a time such as 2026-04-12T00:00:00Z"},
       {R"({"after": "in_1&limit=1"})", "after is not the id of an invoice"},
       {R"({"page": 3})", "page is not one of since, newest and after"}}));
  world.ledgers["customer_1"].cursors["-"] = cursor;
  const Verdict verdict = world.sync();
  CHECK(verdict.kind == VerdictKind::stop);
  CHECK(verdict.reason == "bad_cursor");
  INFO(verdict.message);
  CHECK(has(verdict.message, told));
}

TEST_CASE("A fault of the list gives its verdict, and the next attempt completes") {
  struct Row {
    const char* fault;
    VerdictKind kind;
    const char* reason;
    const char* told;
    bool pause = false;
    std::optional<Span> wait = {};
  };
  using std::chrono::seconds;
  const Row row = GENERATE(
      Row{R"("fault": "status", "status": 401)", VerdictKind::stop, "credentials_rejected", "HTTP 401", true},
      Row{R"("fault": "status", "status": 403)", VerdictKind::stop, "credentials_rejected", "HTTP 403", true},
      Row{R"("fault": "status", "status": 429, "retry_after": 120)", VerdictKind::retry, "rate_limited",
          "HTTP 429", false, seconds(120)},
      Row{R"("fault": "status", "status": 503, "retry_after": "Mon, 13 Apr 2026 01:00:00 GMT")",
          VerdictKind::retry, "unavailable", "HTTP 503", false, seconds(1800)},
      Row{R"("fault": "status", "status": 503)", VerdictKind::retry, "unavailable", "HTTP 503"},
      Row{R"("fault": "status", "status": 404)", VerdictKind::stop, "request_refused", "HTTP 404"},
      Row{R"("fault": "status", "status": 302)", VerdictKind::stop, "redirected", "HTTP 302"},
      Row{R"("fault": "slow", "seconds": 3)", VerdictKind::retry, "timed_out", "/v1/invoices"},
      Row{R"("fault": "cut")", VerdictKind::retry, "connection_lost", "/v1/invoices"},
      Row{R"("fault": "reset")", VerdictKind::retry, "connection_lost", "/v1/invoices"},
      Row{R"("fault": "malformed")", VerdictKind::stop, "malformed_answer",
          "/v1/invoices page 1: not JSON: line 1"},
      Row{R"("fault": "wrong_shape")", VerdictKind::stop, "malformed_answer",
          "/v1/invoices page 1: has_more is not a boolean but a string"});
  World world;
  world.api.fault(R"({"account": "customer_1", "times": 1, )" + std::string(row.fault) + "}");
  MemoryContext context = world.context();
  Json short_time = Json::object();
  short_time.set("timeout", "1s");
  MemoryContext hurried(world.ledgers["customer_1"], "customer_1", context.config().merged_with(short_time));
  hurried.secrets = context.secrets;
  const Verdict verdict = World::run(hurried);
  INFO(row.fault << ": " << verdict.message);
  CHECK(verdict.kind == row.kind);
  CHECK(verdict.reason == row.reason);
  CHECK(verdict.pause == row.pause);
  CHECK(verdict.retry_after == row.wait);
  CHECK(has(verdict.message, "list invoices of customer_1: "));
  CHECK(has(verdict.message, row.told));
  CHECK(!has(verdict.message, token));
  CHECK(raw_deliveries(world) == 0);
  CHECK(world.sync().kind == VerdictKind::done);
  world.check_complete("customer_1");
}

TEST_CASE("An expired token stops one account, and the next is not touched by it") {
  World world;
  MemoryContext context = world.context();
  context.secrets["BILLING_TOKEN"] = "sk_test_expired";
  const Verdict verdict = World::run(context);
  CHECK(verdict.reason == "credentials_rejected");
  CHECK(verdict.pause);
  CHECK(!has(verdict.message, "sk_test"));
  CHECK(world.sync("customer_2").kind == VerdictKind::done);
  world.check_complete("customer_2");
}

TEST_CASE("Rows that come twice, late or not at first are there once in the end") {
  World world;
  SECTION("twice") {
    world.api.fault(R"({"account": "customer_1", "fault": "duplicate_rows"})");
  }
  SECTION("late") {
    world.api.fault(R"({"account": "customer_1", "fault": "late_rows"})");
  }
  SECTION("not at first") {
    world.api.fault(R"({"account": "customer_1", "fault": "empty_then", "times": 1})");
  }
  SECTION("a page that is empty in the middle") {
    MemoryContext killed = world.context();
    killed.kill_at = 4;  // behind the first page's checkpoint
    CHECK_THROWS_AS(World::run(killed), Killed);
    world.api.fault(R"({"account": "customer_1", "fault": "empty_then", "times": 1})");
  }
  CHECK(world.sync().kind == VerdictKind::done);
  world.api.clear_faults();
  MemoryContext base = world.context();
  Json back = Json::object();
  back.set("lookback", "100d");
  MemoryContext next(world.ledgers["customer_1"], "customer_1", base.config().merged_with(back));
  next.secrets = base.secrets;
  CHECK(World::run(next).kind == VerdictKind::done);
  world.check_complete("customer_1");
}

TEST_CASE("A webhook that is refused ends the attempt, and the next one goes on with it") {
  World world;
  world.api.webhook_fault(R"({"fault": "status", "status": 503, "retry_after": 7, "times": 1})");
  const Verdict verdict = world.sync();
  CHECK(verdict.kind == VerdictKind::retry);
  CHECK(verdict.reason == "unavailable");
  CHECK(verdict.retry_after == std::chrono::seconds(7));
  CHECK(has(verdict.message, "send webhook of in_"));
  CHECK(world.stored("SELECT id FROM invoices WHERE notified_at IS NOT NULL").empty());
  CHECK(world.ledgers["customer_1"].effects.empty());  // it did not happen: nothing is in doubt
  CHECK(world.sync().kind == VerdictKind::done);
  world.check_complete("customer_1");
}

TEST_CASE("A webhook whose answer is lost is sent again with the same token") {
  World world;
  SECTION("reset") {
    world.api.webhook_fault(R"({"fault": "reset_after_accept", "times": 1})");
  }
  SECTION("no answer") {
    world.api.webhook_fault(R"({"fault": "hang_after_accept", "seconds": 60, "times": 1})");
  }
  SECTION("still in progress") {
    world.api.webhook_fault(R"({"fault": "status", "status": 409, "times": 1})");
  }
  MemoryContext base = world.context();
  Json brief = Json::object();
  brief.set("timeout", "1s");
  MemoryContext context(world.ledgers["customer_1"], "customer_1", base.config().merged_with(brief));
  context.secrets = base.secrets;
  const Verdict verdict = World::run(context);
  CHECK(verdict.kind == VerdictKind::retry);
  auto& effects = world.ledgers["customer_1"].effects;
  REQUIRE(effects.size() == 1);
  CHECK(effects.begin()->second.doubtful);
  CHECK(world.sync().kind == VerdictKind::done);
  CHECK(effects.begin()->second.acts <= 2);
  world.check_complete("customer_1");
}

TEST_CASE("A fault of the config or a secret is named before anything is opened or sent") {
  World world;
  MemoryContext base = world.context();
  Json over = Json::object();
  const auto [field, value, told] = GENERATE(table<std::string, Json, std::string>({
      {"api", Json(), "config.api is missing"},
      {"api", Json(7), "config.api is not a string but an integer"},
      {"api", Json("ftp://x"), "config.api is not an http or https URL"},
      {"store", Json(), "config.store is missing"},
      {"webhook", Json("https://"), "config.webhook is not an http or https URL"},
      {"page_size", Json(101), "config.page_size is not an integer from 1 to 100"},
      {"page_size", Json("50"), "config.page_size is not an integer from 1 to 100"},
      {"lookback", Json("2 days"), "config.lookback is not a duration"},
      {"timeout", Json("10ms"), "config.timeout is less than 1s"},
      {"lookbak", Json("2d"), "config.lookbak is not a field of this job (did you mean lookback?)"},
      {"account", Json("a\r\nb"), "config.account is empty or has a control character"},
      {"", Json(), "the secret BILLING_TOKEN is missing; the secret WEBHOOK_SECRET is not whsec_ and base64"},
  }));
  if (!field.empty()) over.set(field, value);
  MemoryContext context(world.ledgers["customer_1"], "customer_1", base.config().merged_with(over));
  if (!field.empty()) context.secrets = base.secrets;
  if (field.empty()) context.secrets = {{"WEBHOOK_SECRET", "hunter2"}};
  const Verdict verdict = World::run(context);
  CHECK(verdict.kind == VerdictKind::stop);
  CHECK(verdict.reason == "bad_config");
  INFO(verdict.message);
  CHECK(has(verdict.message, told));
  CHECK(!has(verdict.message, "hunter2"));
  CHECK(context.requests == 0);
  CHECK(!exists(world.store));
}
