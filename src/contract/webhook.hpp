// Standard Webhooks: the key of a secret, and the headers that sign a message.
// Pure: signs exactly the bytes it is given and sends nothing. Source: standard-webhooks specification.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace jobrun {

/// The key of a `whsec_...` secret; nothing where it is none.
std::optional<std::string> webhook_key(std::string_view secret);

/// The three headers of Standard Webhooks over exactly these bytes. `id` must have no '.'.
std::vector<std::pair<std::string, std::string>> webhook_headers(std::string_view key, std::string_view id,
                                                                 Instant at, std::string_view body);

}  // namespace jobrun
