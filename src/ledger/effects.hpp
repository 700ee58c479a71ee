// Effects and pauses: what is done once, and who is kept out.
// Functions that change something run inside Ledger::write(). Executes nothing and decides nothing about
// retries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/effect_key.hpp"
#include "contract/states.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

struct Effect {
  std::string scope, key, token, fingerprint, result, intended_at, confirmed_at;
  EffectState state = EffectState::intended;
  IfInDoubt if_in_doubt = IfInDoubt::stop;
  Span token_ttl{};
  Span keep{};               ///< from the first intent on; at least token_ttl
  std::int64_t attempt = 0;  ///< 0: a person's, outside of any run
  std::int64_t tries = 1;    ///< 0: never by this ledger; see ledger/lost.hpp
};

Result<std::optional<Effect>> find_effect(Ledger& ledger, std::string_view scope, std::string_view key);
/// Dated `now`, unless the effect says when it may have begun.
Result<void> add_intent(Ledger& ledger, const Effect& effect, Instant now);
/// The same effect, taken over by another attempt with the same token: to be tried again, or asked about.
Result<void> renew_intent(Ledger& ledger, const Effect& effect, bool tries_again);
/// False where the effect is not open for this attempt (never intended by it, or confirmed before).
Result<bool> confirm_effect(Ledger& ledger, std::string_view scope, std::string_view key,
                            std::int64_t attempt, std::string_view result, Instant now);
/// It did not happen: the intent is taken back. False as above.
Result<bool> release_intent(Ledger& ledger, std::string_view scope, std::string_view key,
                            std::int64_t attempt);
/// True while whoever intended it may still be acting: its attempt runs and its unit is held, by jobrun or by
/// what a dead one left behind.
Result<bool> is_acted_on(Ledger& ledger, const Effect& effect);
/// Held while a person's `once` acts.
Result<std::optional<Lease>> lease_effect(Ledger& ledger, std::string_view scope, std::string_view key);
/// `attempt` met it and can't go on: 0 for a person.
Result<void> mark_in_doubt(Ledger& ledger, std::string_view scope, std::string_view key,
                           std::int64_t attempt);
/// Intents with the policy `stop` that an ended attempt left open become in_doubt; answers their keys and
/// tries.
struct LeftOpen {
  std::string key;
  std::int64_t tries = 0;
};
Result<std::vector<LeftOpen>> doubt_open_effects(Ledger& ledger, std::int64_t attempt);

struct Pause {
  std::int64_t id = 0;
  std::string job;
  std::optional<std::string> unit;  ///< nothing: the whole job
  std::string since, reason;
  std::optional<std::string> until;
  std::optional<std::int64_t> attempt;
};
/// The pause that keeps (job, unit) out at `now`; one whose `until` has passed does not.
Result<std::optional<Pause>> pause_of(Ledger& ledger, std::string_view job, std::string_view unit,
                                      Instant now);
/// All pauses in force at `now`, of one job or, with an empty name, of all.
Result<std::vector<Pause>> pauses(Ledger& ledger, std::string_view job, Instant now);
/// For how long of [since, now] the unit was kept out.
Result<Span> paused_time(Ledger& ledger, std::string_view job, std::string_view unit, Instant since,
                         Instant now);
/// Replaces a pause that is there.
Result<void> add_pause(Ledger& ledger, const Pause& pause, Instant now);
/// How many were ended; without `unit` those of the whole job and of all its units.
Result<std::int64_t> end_pauses(Ledger& ledger, std::string_view job, const std::optional<std::string>& unit,
                                Instant now);

}  // namespace jobrun
