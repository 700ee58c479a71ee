// The team's own database of invoices: one SQLite file, written by many workers at once.
// Promises that an invoice is there once, that a page is there whole or not at all, that a row keeps what it
// had
// (`first_seen_at`, `notified_at`, columns of the team's), and that equal data changes nothing.
// Knows no ledger and reads no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "base/sqlite.hpp"
#include "jobs/invoice_api.hpp"

namespace jobrun {

class InvoiceStore {
 public:
  /// Opens the file, and makes it with its tables where it is missing. Fault::ledger for what may pass.
  static Result<InvoiceStore> open(const std::string& path);

  struct Stored {
    int added = 0;
    int changed = 0;
  };
  /// One transaction, durable when it returns.
  Result<Stored> store(const std::string& account, const std::vector<Invoice>& invoices, Instant now);

  /// A stored invoice whose webhook is not known to have been sent.
  struct Untold {
    Invoice invoice;
    std::string first_seen_at;
  };
  /// The oldest of an account, `limit` at the most.
  Result<std::vector<Untold>> untold(const std::string& account, int limit);
  /// One transaction, durable when it returns.
  Result<void> mark_told(const std::vector<std::string>& ids, Instant now);

 private:
  InvoiceStore(Database database, Fd lock) : database_(std::move(database)), lock_(std::move(lock)) {}
  Result<void> prepare_file();
  template <class Work>
  Result<void> in_transaction(Work work);

  Database database_;
  Fd lock_;
};

}  // namespace jobrun
