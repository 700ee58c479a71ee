// A handler's side of the channel: one connection, one reply per request.
// When jobrun is gone every call answers an Error that says so; nothing is retried.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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
  /// The same for many, sent without waiting in between, so that they are committed together; the first
  /// refusal is the answer.
  Result<std::vector<Json>> ask_all(std::vector<ChannelRequest> requests);

 private:
  explicit ChannelClient(Fd socket) : socket_(std::move(socket)) {}
  Result<void> send(std::string_view lines);
  Result<Json> receive();
  Fd socket_;
  std::string in_;
  std::int64_t next_id_ = 1;
};

}  // namespace jobrun
