#include "jobs/invoice_store.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/civil.hpp"
#include "support/temporary_folder.hpp"

using namespace jobrun;

namespace {

const Instant night = *parse_instant("2026-04-12T02:00:00Z");
const Instant next_night = *parse_instant("2026-04-13T02:00:00Z");

Invoice invoice(std::string id, std::int64_t created = 1775952000) {
  Invoice made;
  made.id = std::move(id);
  made.status = "open";
  made.currency = "eur";
  made.amount_due = made.total = 1200;
  made.created = created;
  return made;
}

std::string first_text(const std::string& path, const char* sql) {
  auto database = Database::open(path, Database::Mode::read_only, "store");
  REQUIRE(database);
  auto text = database->text(sql);
  REQUIRE(text);
  return *text;
}

}  // namespace

TEST_CASE("A stored invoice that comes again is changed where it differs, and keeps the rest") {
  const jobrun_test::TemporaryFolder folder;
  const std::string path = folder.path() + "/invoices.db";
  auto store = InvoiceStore::open(path);
  REQUIRE(store);
  Invoice one = invoice("in_1");
  auto stored = store->store("a", {one, one, invoice("in_2")}, night);
  REQUIRE(stored);
  CHECK(stored->added == 2);
  CHECK(stored->changed == 0);
  REQUIRE(store->mark_told({"in_1"}, night));

  one.status = "paid";
  one.amount_paid = 1200;
  one.number = "A-1";
  stored = store->store("a", {one, invoice("in_2")}, next_night);
  REQUIRE(stored);
  CHECK(stored->added == 0);
  CHECK(stored->changed == 1);
  CHECK(first_text(path,
                   "SELECT status || amount_paid || number || first_seen_at || updated_at || notified_at "
                   "FROM invoices WHERE id = 'in_1'") ==
        "paid1200A-12026-04-12T02:00:00.000Z2026-04-13T02:00:00.000Z2026-04-12T02:00:00.000Z");
  CHECK(first_text(path, "SELECT updated_at FROM invoices WHERE id = 'in_2'") == "2026-04-12T02:00:00.000Z");
}

TEST_CASE("The untold rows of an account come oldest first") {
  const jobrun_test::TemporaryFolder folder;
  auto store = InvoiceStore::open(folder.path() + "/invoices.db");
  REQUIRE(store);
  REQUIRE(store->store("a", {invoice("in_3", 30), invoice("in_1", 10), invoice("in_2", 10)}, night));
  REQUIRE(store->store("b", {invoice("in_4", 5)}, night));
  const auto all = store->untold("a", 10);
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK((*all)[0].invoice.id == "in_1");
  CHECK((*all)[1].invoice.id == "in_2");
  CHECK((*all)[2].invoice.id == "in_3");
  CHECK((*all)[0].first_seen_at == "2026-04-12T02:00:00.000Z");
  CHECK(store->untold("a", 2)->size() == 2);
  REQUIRE(store->mark_told({"in_1", "in_3"}, night));
  CHECK(store->untold("a", 10)->size() == 1);
}

TEST_CASE("A column of the team's own is left alone") {
  const jobrun_test::TemporaryFolder folder;
  const std::string path = folder.path() + "/invoices.db";
  auto store = InvoiceStore::open(path);
  REQUIRE(store);
  REQUIRE(store->store("a", {invoice("in_1")}, night));
  auto team = Database::open(path, Database::Mode::read_write, "team");
  REQUIRE(team);
  REQUIRE(team->execute("ALTER TABLE invoices ADD COLUMN booked TEXT; UPDATE invoices SET booked = 'yes'"));
  Invoice paid = invoice("in_1");
  paid.status = "paid";
  REQUIRE(store->store("a", {paid, invoice("in_2")}, next_night));
  CHECK(first_text(path, "SELECT status || booked FROM invoices WHERE id = 'in_1'") == "paidyes");
}

TEST_CASE("Workers that make the file at the same time all get in, and none loses a row") {
  const jobrun_test::TemporaryFolder folder;
  for (int round = 0; round < 10; ++round) {
    const std::string path = folder.path() + "/invoices" + std::to_string(round) + ".db";
    std::vector<pid_t> workers;
    for (int worker = 0; worker < 8; ++worker) {
      const pid_t pid = ::fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        auto store = InvoiceStore::open(path);
        bool fine = static_cast<bool>(store);
        for (int row = 0; fine && row < 5; ++row) {
          const std::string id = "in_" + std::to_string(worker) + "_" + std::to_string(row);
          fine = store->store("a", {invoice(id)}, night) && store->mark_told({id}, night);
        }
        if (!store) ::fprintf(stderr, "%s\n", store.error().what().c_str());
        ::_exit(fine ? 0 : 1);
      }
      workers.push_back(pid);
    }
    for (const pid_t pid : workers) {
      int status = -1;
      CHECK(::waitpid(pid, &status, 0) == pid);
      CHECK(status == 0);
    }
    CHECK(first_text(path, "SELECT count(*) FROM invoices WHERE notified_at IS NOT NULL") == "40");
    CHECK(first_text(path, "PRAGMA integrity_check") == "ok");
  }
}

TEST_CASE("A store that can't be used says what to look at") {
  const auto missing = InvoiceStore::open("/nowhere/invoices.db");
  REQUIRE(!missing);
  CHECK(missing.error().fault() == Fault::setup);
  CHECK(missing.error().what() == "open /nowhere/invoices.db-lock: No such file or directory");
  const jobrun_test::TemporaryFolder folder;
  const std::string path = folder.path() + "/invoices.db";
  REQUIRE(write_file(path, std::string(4096, 'x')));
  const auto damaged = InvoiceStore::open(path);
  REQUIRE(!damaged);
  CHECK(damaged.error().fault() == Fault::setup);
  CHECK(damaged.error().what().find(path) != std::string::npos);
}
