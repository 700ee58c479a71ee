// What a handler asks over the channel, turned into what the ledger keeps and what it is answered.
// Runs inside Ledger::write() for requests that change something. Keeps no state: the loop owns attempts and
// connections.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/channel.hpp"
#include "run/world.hpp"

namespace jobrun {

/// The attempt that a request belongs to.
struct Speaker {
  const Run& run;
  const Unit& unit;
  std::int64_t attempt = 0;
};

/// True for requests whose answer must be durable.
bool changes_ledger(ChannelOp op);
/// The reply line. A refusal of the peer's wish is a reply; an Error is the ledger's own.
Result<std::string> answer(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request,
                           Instant now);

}  // namespace jobrun
