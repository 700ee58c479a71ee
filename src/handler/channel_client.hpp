// A handler's side of the channel: one connection, one request at a time, one reply each.
// When jobrun is gone every call answers an Error that says so; nothing is retried.
#pragma once

#include <string>

#include "base/file.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/channel.hpp"

namespace jobrun {

class ChannelClient {
 public:
  /// Connects to $JOBRUN_SOCKET's path.
  static Result<ChannelClient> connect(const std::string& socket_path);
  /// Sends and waits for the reply: its members, or an Error with the peer's message (Fault::conflict for
  /// code `conflict`).
  Result<Json> ask(ChannelRequest request);

 private:
  explicit ChannelClient(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
  std::string in_;
  std::int64_t next_id_ = 1;
};

}  // namespace jobrun
