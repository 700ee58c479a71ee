#include "contract/effect_key.hpp"

#include <array>
#include <cstdlib>

#include "base/text.hpp"
#include "contract/envelope.hpp"

namespace jobrun {

std::string_view word_of(IfInDoubt policy) {
  switch (policy) {
    case IfInDoubt::stop:
      return "stop";
    case IfInDoubt::resend:
      return "resend";
    case IfInDoubt::probe:
      return "probe";
  }
  std::abort();
}

std::optional<IfInDoubt> if_in_doubt(std::string_view word) {
  for (const IfInDoubt policy : std::array{IfInDoubt::stop, IfInDoubt::resend, IfInDoubt::probe}) {
    if (word_of(policy) == word) return policy;
  }
  return {};
}

Result<void> check_effect_key(std::string_view key) {
  if (key.empty() || key.size() > 255) {
    return usage_error("an effect key has 1 to 255 bytes, this one has " + std::to_string(key.size()),
                       "name what is done once, such as invoice-2026-04-12-customer_37");
  }
  if (!is_plain_text(key)) {
    return usage_error("the effect key " + in_quotes(key) + " is not UTF-8 without control characters");
  }
  return {};
}

std::string idempotency_token(std::string_view scope, std::string_view key) {
  // NUL stands in neither, so that ("a", "bc") and ("ab", "c") differ. 128 bits: providers allow 255
  // characters, some only 36.
  std::string bytes(scope);
  bytes += '\0';
  bytes += key;
  return "jr_" + sha256_hex(bytes).substr(0, 32);
}

namespace {

constexpr Span clock_slack = std::chrono::minutes(5);  // what NTP may correct between two calls

}  // namespace

DoubtAnswer answer_doubt(IfInDoubt policy, Instant intended_at, Span token_ttl, Instant now) {
  switch (policy) {
    case IfInDoubt::stop:
      return DoubtAnswer::stop;
    case IfInDoubt::resend:
      // A clock that was set back says nothing of the token's age.
      return now >= intended_at - clock_slack && now < intended_at + token_ttl ? DoubtAnswer::resend
                                                                               : DoubtAnswer::stop;
    case IfInDoubt::probe:
      return DoubtAnswer::probe;
  }
  std::abort();
}

}  // namespace jobrun
