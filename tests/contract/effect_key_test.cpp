#include "contract/effect_key.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace jobrun;
using namespace std::chrono_literals;

TEST_CASE("each rule for an effect in doubt has its word") {
  const std::pair<IfInDoubt, std::string_view> rows[] = {
      {IfInDoubt::stop, "stop"}, {IfInDoubt::resend, "resend"}, {IfInDoubt::probe, "probe"}};
  for (const auto& [policy, word] : rows) {
    CHECK(word_of(policy) == word);
    CHECK(if_in_doubt(word) == policy);
  }
  CHECK_FALSE(if_in_doubt("retry"));
  CHECK_FALSE(if_in_doubt(""));
}

TEST_CASE("an effect key has 1 to 255 bytes of UTF-8 without control characters") {
  for (const std::string& key :
       {std::string("a"), std::string("invoice-2026/04 \xc3\xa9"), std::string(255, 'x')}) {
    CHECK(check_effect_key(key));
  }
  for (const std::string& key :
       {std::string(), std::string(256, 'x'), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("\xff"), std::string("\xc2\x9b")}) {
    CAPTURE(key);
    const auto checked = check_effect_key(key);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().fault() == Fault::usage);
  }
}

TEST_CASE("an idempotency token is the same in every attempt, run, host and version") {
  // A change of this value would send every effect in doubt again under a new token.
  CHECK(idempotency_token("invoice_sync", "invoice-42") == "jr_caacf2e0aa6840bdc913caf878cdc39e");
  CHECK(idempotency_token("invoice_sync", "invoice-42") == idempotency_token("invoice_sync", "invoice-42"));
}

TEST_CASE("different keys and scopes have different tokens") {
  std::set<std::string> tokens;
  for (const auto& [scope, key] :
       {std::pair("a", "bc"), std::pair("ab", "c"), std::pair("", "abc"), std::pair("abc", "")}) {
    const std::string token = idempotency_token(scope, key);
    CHECK(token.size() == 35);
    CHECK(token.substr(0, 3) == "jr_");
    CHECK(token.find_first_not_of("0123456789abcdef", 3) == std::string::npos);
    tokens.insert(token);
  }
  CHECK(tokens.size() == 4);
}

TEST_CASE("an effect in doubt is sent again only while its token is alive at the provider") {
  const Instant intended = Instant(1'775'952'000s);
  CHECK(answer_doubt(IfInDoubt::resend, intended, 24h, intended + 24h - 1ms) == DoubtAnswer::resend);
  CHECK(answer_doubt(IfInDoubt::resend, intended, 24h, intended + 24h) == DoubtAnswer::stop);
  CHECK(answer_doubt(IfInDoubt::resend, intended, 0s, intended) == DoubtAnswer::stop);
  CHECK(answer_doubt(IfInDoubt::stop, intended, 24h, intended) == DoubtAnswer::stop);
  CHECK(answer_doubt(IfInDoubt::probe, intended, 24h, intended + 100h) == DoubtAnswer::probe);
}
