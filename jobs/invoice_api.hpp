// The words of the service that invoice_sync reads from: a Stripe-shaped list of invoices.
// Pure: builds requests and reads answers, sends nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace jobrun {

/// Letters, digits, `_` and `-`, 1 to 200: needs no escapes in a URL and fits into an effect's key.
bool is_invoice_id(std::string_view text);

/// One invoice as the list has it. Amounts are in the currency's smallest unit, `created` is seconds since
/// 1970.
struct Invoice {
  std::string id;
  std::optional<std::string> number;
  std::optional<std::string> status;
  std::string currency;
  std::int64_t amount_due = 0;
  std::int64_t amount_paid = 0;
  std::int64_t total = 0;
  std::int64_t created = 0;
  std::optional<std::string> customer_email;
  std::optional<std::string> customer_name;
};

struct InvoicePage {
  std::vector<Invoice> invoices;  ///< newest first
  bool has_more = false;
};

/// Where one page of the list is. `from` is the earliest `created`, `after` the invoice that the page
/// follows.
struct InvoicePageAddress {
  std::int64_t limit = 100;
  std::optional<std::int64_t> from;
  std::string after;
};
std::string invoice_page_url(std::string_view api, const InvoicePageAddress& address);

/// Fault::usage with the place: `data[17].created is not an integer but a string`.
Result<InvoicePage> parse_invoice_page(std::string_view body);

/// True for a 404 that says that the invoice in `starting_after` is not there (any more).
bool is_unknown_invoice(int status, std::string_view body);

}  // namespace jobrun
