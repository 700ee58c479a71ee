// One try to deliver one letter: a command with the message on its input, a signed webhook, Slack's shape, a
// mail. Starts it and reads how it went; secrets are resolved here and masked in what is told. Writes nothing
// down and does not try again (run/notify).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "handler/errand.hpp"
#include "ledger/alerts.hpp"
#include "run/world.hpp"

namespace jobrun {

struct Delivery {
  Letter letter;
  AlertTarget target;
  std::vector<std::string> masked;  ///< forms of its secrets
  std::size_t errand = 0;
};

struct DeliveryEnd {
  bool sent = false, final = false;
  std::optional<Span> retry_after;
  std::string message;
};

/// Fills in the target; Fault::setup where a secret of it can't be had here. `limit`: how long it may take.
Result<Errand> begin_delivery(World& world, Delivery& delivery, Span limit);
DeliveryEnd end_delivery(const Delivery& delivery, const ErrandEnd& end, Span limit, Instant now);

}  // namespace jobrun
