#include "contract/webhook.hpp"

#include "base/text.hpp"

namespace jobrun {

std::optional<std::string> webhook_key(std::string_view secret) {
  constexpr std::string_view prefix = "whsec_";
  if (secret.substr(0, prefix.size()) != prefix) return {};
  auto key = base64_decode(secret.substr(prefix.size()));
  if (!key || key->empty()) return {};
  return key;
}

std::vector<std::pair<std::string, std::string>> webhook_headers(std::string_view key, std::string_view id,
                                                                 Instant at, std::string_view body) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  const std::string stamp = std::to_string(seconds);
  const std::string bytes = std::string(id) + "." + stamp + "." + std::string(body);
  return {{"webhook-id", std::string(id)},
          {"webhook-timestamp", stamp},
          {"webhook-signature", "v1," + base64_encode(hmac_sha256(key, bytes))}};
}

}  // namespace jobrun
