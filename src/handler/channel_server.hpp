// jobrun's side of the channel: a Unix socket in a private folder, its connections, lines in and replies out.
// Promises: only processes of our own user are heard, a line and a queue have limits, a reply never blocks
// the loop. Knows no ledger: run/context turns requests into what is stored.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "contract/channel.hpp"

namespace jobrun {

class ChannelServer {
 public:
  /// One request that came in, and where its reply goes.
  struct Incoming {
    std::uint64_t connection = 0;
    ChannelRequest request;
  };

  /// Makes `folder`/XXXXXX/ (0700) with the socket in it; where that path is too long for a socket (unix(7):
  /// 107 bytes), under /tmp.
  static Result<ChannelServer> open(const std::string& folder);
  ChannelServer(ChannelServer&&) = default;
  ChannelServer& operator=(ChannelServer&&) = default;
  ~ChannelServer();

  const std::string& socket_path() const { return path_; }
  /// The private folder, for files that belong to this run.
  const std::string& folder() const { return folder_; }

  struct Watch {
    int fd;
    bool for_writing;
  };
  /// Descriptors to poll.
  void watch(std::vector<Watch>& watches) const;
  /// Lines have been read that are not taken yet: gather() has something to do without waiting.
  bool has_backlog() const;
  /// Accepts, reads and parses what has come; bad lines are answered at once.
  void gather(std::vector<Incoming>& requests);
  /// The attempt a connection has said hello for (ledger id), 0 before that.
  std::int64_t attempt_of(std::uint64_t connection) const;
  void set_attempt(std::uint64_t connection, std::int64_t attempt);
  void reply(std::uint64_t connection, const std::string& line);
  /// The attempt has ended: its connections are of no use to anybody.
  void close_attempt(std::int64_t attempt);

 private:
  struct Connection {
    std::uint64_t id = 0;
    Fd fd;
    std::string in, out;
    std::int64_t attempt = 0;
    bool closing = false;
    bool backlog = false;  // `in` has whole lines, left for the next turn
  };
  ChannelServer() = default;
  void accept_all();
  void receive(Connection& connection);
  void take_lines(Connection& connection, std::vector<Incoming>& requests);
  void flush(Connection& connection);
  Connection* find(std::uint64_t id);

  std::string folder_, path_;
  Fd listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::uint64_t next_id_ = 1;
};

/// Removes what dead processes left in `folder` (their sockets refuse connections).
void sweep_channels(const std::string& folder);

}  // namespace jobrun
