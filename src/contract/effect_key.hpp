// Effects: their dedupe key, the stable idempotency token, and the rule for one that is in doubt.
// Contract 2.8. Pure; the ledger keeps them (ledger/effects.cpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace jobrun {

enum class IfInDoubt { stop, resend, probe };
std::string_view word_of(IfInDoubt policy);
std::optional<IfInDoubt> if_in_doubt(std::string_view word);

/// How long an effect's key is remembered at least, where the manifest does not say.
inline constexpr Span default_keep = std::chrono::hours(24 * 400);

/// 1-255 bytes of UTF-8 without control characters.
Result<void> check_effect_key(std::string_view key);

/// The same for every attempt, run and host; never random: 32 hex characters of SHA-256 over (scope, key),
/// behind "jr_".
std::string idempotency_token(std::string_view scope, std::string_view key);

/// What to do with an effect that was intended and never confirmed.
enum class DoubtAnswer { resend, probe, stop };
/// `resend` only while the token is alive at the provider: now < intended_at + token_ttl.
DoubtAnswer answer_doubt(IfInDoubt policy, Instant intended_at, Span token_ttl, Instant now);

}  // namespace jobrun
