// The channel's messages: JSON lines between a handler's process and its jobrun, one reply per request.
// Only words and shapes, version 1. Sockets are handler/channel_server (jobrun's side) and
// handler/channel_client.
//
//   request  {"id":7,"op":"checkpoint","cursor":"...","stream":"-"}
//   reply    {"id":7,"ok":true,...}   or   {"id":7,"ok":false,"error":{"code":"conflict","message":"..."}}
//
// The first request is `hello` and names the attempt; all others are refused before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/effect_key.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

inline constexpr int channel_version = 1;
inline constexpr std::size_t channel_line_limit = 1024 * 1024;  // bytes of one line

enum class ChannelOp {
  hello,
  cursor,
  checkpoint,
  item_done,
  item_is_done,
  intend,
  confirm,
  release,
  doubt,
  progress,
  result
};
std::string_view word_of(ChannelOp op);

/// One request, checked; members that an op does not use keep their defaults.
struct ChannelRequest {
  std::int64_t id = 0;
  ChannelOp op = ChannelOp::hello;
  // hello
  std::string run_id, unit;
  int attempt = 0;
  // cursor, checkpoint
  std::string stream = "-";
  std::string cursor;
  // item_done, item_is_done
  std::string item;
  // intend, confirm, release, doubt
  std::string key, scope;
  std::string fingerprint;  ///< hash of the act's arguments; another one under the same key is a conflict
  std::string result;       ///< stored with a confirmation, at most 64 KiB
  IfInDoubt policy = IfInDoubt::stop;
  Span token_ttl = std::chrono::hours(24);
  // progress
  std::string message;
  std::optional<double> fraction;  ///< 0-1
  // result
  Verdict verdict;
};

/// Error::what is the message for the peer; `id` is set as far as it could be read.
Result<ChannelRequest> parse_request(std::string_view line, std::int64_t& id);
/// One line with its final newline. Messages and results are cut to their limits; names and cursors are to be
/// checked before (UTF-8!): two keys that differ in invalid bytes only would be written alike.
std::string encode(const ChannelRequest& request);

// Both with the final newline.
std::string ok_reply(std::int64_t id, const Json& members = {});
std::string error_reply(std::int64_t id, std::string_view code, std::string_view message);
/// The members of an ok reply; else the peer's message, with Fault::conflict and Fault::busy for the codes
/// `conflict` and `busy`, Fault::usage for the others.
Result<Json> parse_reply(std::string_view line);

}  // namespace jobrun
