#include "handler/channel_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace jobrun {

namespace {

Error gone() {
  return Error(Fault::gone, "jobrun, which this process worked for, is gone",
               "nothing can be recorded any more: end with 75");
}

}  // namespace

Result<ChannelClient> ChannelClient::connect(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    return Error(Fault::setup, "JOBRUN_SOCKET is too long for a socket: " + socket_path);
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(Fault::ledger, "make a socket", errno);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT) return gone();
    if (errno == EACCES)
      return Error(Fault::setup,
                   "jobrun hears only the user that it runs as: " + socket_path + " can't be reached",
                   "change the user behind it: jobrun once KEY -- sudo -u USER COMMAND...");
    return system_error(Fault::ledger, "connect to " + socket_path, errno);
  }
  return ChannelClient(std::move(socket));
}

Result<void> ChannelClient::send(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t sent = ::send(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return gone();
    lines.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Json> ChannelClient::receive() {
  auto end = in_.find('\n');
  while (end == std::string::npos) {
    char buffer[64 * 1024];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return gone();
    in_.append(buffer, static_cast<std::size_t>(got));
    end = in_.find('\n');
  }
  auto reply = parse_reply(std::string_view(in_).substr(0, end));
  in_.erase(0, end + 1);
  return reply;
}

Result<Json> ChannelClient::ask(ChannelRequest request) {
  request.id = next_id_++;
  if (auto sent = send(encode(request)); !sent) return sent.error();
  return receive();
}

Result<std::vector<Json>> ChannelClient::ask_all(std::vector<ChannelRequest> requests) {
  constexpr std::size_t at_once = 1000;  // so that neither side's buffers fill while the other writes
  std::vector<Json> replies;
  std::size_t next = 0;
  while (next < requests.size()) {
    const std::size_t until = std::min(requests.size(), next + at_once);
    std::string lines;
    for (std::size_t i = next; i < until; ++i) {
      requests[i].id = next_id_++;
      lines += encode(requests[i]);
    }
    if (auto sent = send(lines); !sent) return sent.error();
    for (; next < until; ++next) {
      auto reply = receive();
      if (!reply) return reply.error();
      replies.push_back(std::move(*reply));
    }
  }
  return replies;
}

}  // namespace jobrun
