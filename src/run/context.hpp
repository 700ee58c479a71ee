// What a handler asks over the channel, turned into what the ledger keeps and what it is answered.
// Runs inside Ledger::write() for requests that change something. Keeps no state: the loop owns attempts,
// connections, and who of them is acting on which effect.
#pragma once

#include <functional>
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
  std::int64_t attempt = 0;  ///< 0: a person, outside of any run
  Span keep = default_keep;  ///< of the effects' keys
  /// True while another client of this attempt is acting on that effect.
  std::function<bool(const std::string& effect)> is_acted_on = [](const std::string&) { return false; };
};

struct Answered {
  std::string line;                                           ///< the reply
  enum class Grip { none, taken, let_go } grip = Grip::none;  ///< of the effect that was asked for
};

/// True for requests whose answer must be durable.
bool changes_ledger(ChannelOp op);
/// Scope and key in one word.
std::string effect_name(const Run& run, const ChannelRequest& request);
/// A refusal of the peer's wish is a reply; an Error is the ledger's own.
Result<Answered> answer(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request, Instant now);

}  // namespace jobrun
