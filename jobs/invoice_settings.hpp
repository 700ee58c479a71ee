// What invoice_sync is told by its manifest and its unit: the config and the secrets, checked.
// Promises that every fault is named at once and that no message has a secret in it. Opens and sends nothing.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/native_job.hpp"

namespace jobrun {

struct InvoiceSettings {
  std::string api;      ///< "https://api.example.com", without a final slash
  std::string account;  ///< the unit's id, where the config names none
  std::string store;    ///< path of the team's database
  std::string webhook;  ///< URL that is told of every new invoice
  std::int64_t page_size = 100;
  Span lookback = std::chrono::hours(24);   ///< how late an invoice may turn up behind newer ones
  Span timeout = std::chrono::seconds(30);  ///< of one request
  std::string token;                        ///< of the list
  std::string signing_key;                  ///< raw bytes

  /// Fault::usage: `config.api is missing; config.page_size is not an integer from 1 to 100`.
  static Result<InvoiceSettings> read(const JobContext& context);
};

}  // namespace jobrun
