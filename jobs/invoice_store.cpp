#include "jobs/invoice_store.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/civil.hpp"

namespace jobrun {
namespace {

constexpr int busy_timeout_ms = 10'000;  // for writers that don't know our lock, such as a person's sqlite3

constexpr const char* tables = R"(
  CREATE TABLE IF NOT EXISTS invoices (
    id             TEXT PRIMARY KEY,
    account        TEXT NOT NULL,
    number         TEXT,                -- NULL while it is a draft
    status         TEXT,
    currency       TEXT NOT NULL,
    amount_due     INTEGER NOT NULL,    -- in the currency's smallest unit, as the next two
    amount_paid    INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    created        INTEGER NOT NULL,    -- seconds since 1970, the provider's
    customer_email TEXT,
    customer_name  TEXT,
    first_seen_at  TEXT NOT NULL,       -- RFC 3339, UTC, as the next two
    updated_at     TEXT NOT NULL,
    notified_at    TEXT                 -- NULL until its webhook is known to have been sent
  ) STRICT;
  CREATE INDEX IF NOT EXISTS invoices_untold ON invoices (account, created, id) WHERE notified_at IS NULL;
)";

/// The turn to write, for as long as it lives: a kernel lock on a file of its own, waited for in a fair
/// queue. It covers the commit's automatic checkpoint too: in SQLite before 3.51.3 one that races another
/// process's commit can damage a WAL database, and switching a new file to WAL does not wait for a lock at
/// all. A wait without end is ended by the attempt's time-out.
class WriteTurn {
 public:
  explicit WriteTurn(const Fd& lock) : lock_(lock.get()) {
    int answer = 0;
    do {
      answer = ::flock(lock_, LOCK_EX);
    } while (answer != 0 && errno == EINTR);
    error_number_ = answer == 0 ? 0 : errno;
  }
  ~WriteTurn() { ::flock(lock_, LOCK_UN); }
  WriteTurn(const WriteTurn&) = delete;
  WriteTurn& operator=(const WriteTurn&) = delete;

  int error_number() const { return error_number_; }

 private:
  int lock_;
  int error_number_ = 0;
};

void bind_mutable(Statement& statement, const Invoice& invoice, const std::string& now) {
  statement.bind(":id", invoice.id)
      .bind(":number", invoice.number)
      .bind(":status", invoice.status)
      .bind(":currency", invoice.currency)
      .bind(":amount_due", invoice.amount_due)
      .bind(":amount_paid", invoice.amount_paid)
      .bind(":total", invoice.total)
      .bind(":customer_email", invoice.customer_email)
      .bind(":customer_name", invoice.customer_name)
      .bind(":now", now);
}

Result<bool> add(Database& database, const std::string& account, const Invoice& invoice,
                 const std::string& now) {
  auto insert = database.prepare(R"(
    INSERT INTO invoices (id, account, number, status, currency, amount_due, amount_paid, total, created,
                          customer_email, customer_name, first_seen_at, updated_at)
    VALUES (:id, :account, :number, :status, :currency, :amount_due, :amount_paid, :total, :created,
            :customer_email, :customer_name, :now, :now)
    ON CONFLICT (id) DO NOTHING)");
  if (!insert) return insert.error();
  bind_mutable(*insert, invoice, now);
  insert->bind(":account", account).bind(":created", invoice.created);
  if (auto ran = insert->run(); !ran) return ran.error();
  return database.changes() > 0;
}

Result<bool> change(Database& database, const Invoice& invoice, const std::string& now) {
  auto update = database.prepare(R"(
    UPDATE invoices
       SET number = :number, status = :status, currency = :currency, amount_due = :amount_due,
           amount_paid = :amount_paid, total = :total, customer_email = :customer_email,
           customer_name = :customer_name, updated_at = :now
     WHERE id = :id
       AND (number, status, currency, amount_due, amount_paid, total, customer_email, customer_name)
           IS NOT (:number, :status, :currency, :amount_due, :amount_paid, :total, :customer_email, :customer_name))");
  if (!update) return update.error();
  bind_mutable(*update, invoice, now);
  if (auto ran = update->run(); !ran) return ran.error();
  return database.changes() > 0;
}

}  // namespace

Result<InvoiceStore> InvoiceStore::open(const std::string& path) {
  const std::string lock_path = path + "-lock";
  Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) {
    return system_error(Fault::setup, "open " + lock_path, errno,
                        "check that the folder is there, and its owner and mode");
  }
  auto database = Database::open(path, Database::Mode::create, "invoice store " + path);
  if (!database) return database.error();
  InvoiceStore store(std::move(*database), std::move(lock));
  if (auto prepared = store.prepare_file(); !prepared) return prepared.error();
  return store;
}

Result<void> InvoiceStore::prepare_file() {
  database_.harden(true);
  database_.set_busy_timeout(busy_timeout_ms);
  {
    const WriteTurn turn(lock_);
    auto mode = database_.text("PRAGMA journal_mode = WAL");
    if (!mode) return mode.error();
  }
  if (auto set = database_.execute("PRAGMA synchronous = FULL"); !set) return set.error();
  auto index = database_.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'invoices_untold'");
  if (!index) return index.error();
  if (*index > 0) return {};
  return in_transaction([this] { return database_.execute(tables); });
}

template <class Work>
Result<void> InvoiceStore::in_transaction(Work work) {
  const WriteTurn turn(lock_);
  if (turn.error_number() != 0)
    return system_error(Fault::ledger, "lock the invoice store", turn.error_number());
  if (auto begun = database_.execute("BEGIN IMMEDIATE"); !begun) return begun;
  Result<void> answer = work();
  if (answer) answer = database_.execute("COMMIT");
  if (!answer) {
    // SQLite may have ended the transaction itself (disk full); then this fails, and is not needed.
    if (auto undone = database_.execute("ROLLBACK"); !undone) return answer;
  }
  return answer;
}

Result<InvoiceStore::Stored> InvoiceStore::store(const std::string& account,
                                                 const std::vector<Invoice>& invoices, Instant now) {
  const std::string stamp = format_instant(now);
  Stored stored;
  auto written = in_transaction([&]() -> Result<void> {
    for (const Invoice& invoice : invoices) {
      auto added = add(database_, account, invoice, stamp);
      if (!added) return added.error();
      if (*added) {
        ++stored.added;
        continue;
      }
      auto changed = change(database_, invoice, stamp);
      if (!changed) return changed.error();
      if (*changed) ++stored.changed;
    }
    return {};
  });
  if (!written) return written.error();
  return stored;
}

Result<std::vector<InvoiceStore::Untold>> InvoiceStore::untold(const std::string& account, int limit) {
  auto select = database_.prepare(R"(
    SELECT id, number, status, currency, amount_due, amount_paid, total, created, customer_email, customer_name,
           first_seen_at
      FROM invoices
     WHERE account = :account AND notified_at IS NULL
     ORDER BY created, id LIMIT :limit)");
  if (!select) return select.error();
  select->bind(":account", account).bind(":limit", limit);
  std::vector<Untold> rows;
  while (true) {
    auto row = select->step();
    if (!row) return row.error();
    if (!*row) return rows;
    Untold untold;
    untold.invoice.id = select->text(0);
    untold.invoice.number = select->optional_text(1);
    untold.invoice.status = select->optional_text(2);
    untold.invoice.currency = select->text(3);
    untold.invoice.amount_due = select->integer(4);
    untold.invoice.amount_paid = select->integer(5);
    untold.invoice.total = select->integer(6);
    untold.invoice.created = select->integer(7);
    untold.invoice.customer_email = select->optional_text(8);
    untold.invoice.customer_name = select->optional_text(9);
    untold.first_seen_at = select->text(10);
    rows.push_back(std::move(untold));
  }
}

Result<void> InvoiceStore::mark_told(const std::vector<std::string>& ids, Instant now) {
  const std::string stamp = format_instant(now);
  return in_transaction([&]() -> Result<void> {
    for (const std::string& id : ids) {
      auto update = database_.prepare("UPDATE invoices SET notified_at = :now WHERE id = :id");
      if (!update) return update.error();
      if (auto ran = update->bind(":now", stamp).bind(":id", id).run(); !ran) return ran.error();
    }
    return {};
  });
}

}  // namespace jobrun
