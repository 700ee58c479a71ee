#include "contract/webhook.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;

TEST_CASE("A webhook's signature is that of the Standard Webhooks example") {
  const auto key = webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  REQUIRE(key);
  const auto headers = webhook_headers(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                       Instant(std::chrono::seconds(1614265330)), R"({"test": 2432232314})");
  REQUIRE(headers.size() == 3);
  CHECK(headers[0] == std::pair<std::string, std::string>("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"));
  CHECK(headers[1] == std::pair<std::string, std::string>("webhook-timestamp", "1614265330"));
  CHECK(headers[2].second == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  CHECK(!webhook_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  CHECK(!webhook_key("whsec_"));
  CHECK(!webhook_key("whsec_not base64"));
}
