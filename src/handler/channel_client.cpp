#include "handler/channel_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

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
    return system_error(Fault::ledger, "connect to " + socket_path, errno);
  }
  return ChannelClient(std::move(socket));
}

Result<Json> ChannelClient::ask(ChannelRequest request) {
  request.id = next_id_++;
  const std::string line = encode(request);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return gone();
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
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

}  // namespace jobrun
