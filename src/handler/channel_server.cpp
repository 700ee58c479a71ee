#include "handler/channel_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/clock.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_connections = 1024;
constexpr std::size_t queue_limit = 4 * 1024 * 1024;  // bytes of replies that a peer has not read
// A turn takes no more of those that are answered with something stored (64 KiB at the most) from one peer: a
// few bytes of requests must not become a hundred megabytes of replies.
constexpr int most_long_answers = 32;
constexpr std::string_view socket_name = "/channel";

bool address_of(const std::string& path, sockaddr_un& address) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

bool same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

bool has_long_answer(ChannelOp op) {
  return op == ChannelOp::hello || op == ChannelOp::cursor || op == ChannelOp::intend;
}

void remove_folder(const std::string& folder) {
  for (const auto& name : list_folder(folder, "")) ::unlink(path_join(folder, name).c_str());
  ::rmdir(folder.c_str());
}

}  // namespace

Result<ChannelServer> ChannelServer::open(const std::string& folder) {
  ChannelServer server;
  const std::string short_folder =
      folder.size() + 7 + socket_name.size() < sizeof(sockaddr_un::sun_path) ? folder : "/tmp";
  server.folder_ = short_folder + (short_folder == folder ? "/XXXXXX" : "/jobrun-XXXXXX");
  if (::mkdtemp(server.folder_.data()) == nullptr) {
    const int problem = errno;
    const std::string wanted = std::exchange(server.folder_, "");
    const bool forbidden = problem == EACCES || problem == EPERM;
    return system_error(forbidden ? Fault::setup : Fault::ledger, "make the private folder " + wanted,
                        problem,
                        forbidden ? "chmod u+rwx " + short_folder + ", or call as the ledger's owner" : "");
  }
  server.path_ = server.folder_ + std::string(socket_name);
  server.listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  // Under its name only once it listens: a socket that does not yet refuses as a dead one's does, and is
  // swept.
  const std::string made = server.folder_ + "/new";
  if (!server.listener_ || !address_of(made, address) ||
      ::bind(server.listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(server.listener_.get(), 128) != 0 || ::rename(made.c_str(), server.path_.c_str()) != 0)
    return system_error(Fault::ledger, "listen on " + server.path_, errno);
  return server;
}

ChannelServer::~ChannelServer() {
  if (!folder_.empty()) remove_folder(folder_);
}

void ChannelServer::watch(std::vector<Watch>& watches) const {
  watches.push_back({listener_.get(), false});
  for (const auto& connection : connections_) {
    // Who does not read its replies is not read from either.
    if (connection->out.size() < queue_limit) watches.push_back({connection->fd.get(), false});
    if (!connection->out.empty()) watches.push_back({connection->fd.get(), true});
  }
}

void ChannelServer::gather(std::vector<Incoming>& requests) {
  accept_all();
  for (auto& connection : connections_) {
    flush(*connection);
    if (connection->out.size() >= queue_limit) continue;
    if (!connection->backlog) receive(*connection);
    take_lines(*connection, requests);
  }
  std::erase_if(connections_, [](const auto& connection) {
    return connection->closing && connection->out.empty() && !connection->backlog;
  });
}

void ChannelServer::accept_all() {
  while (true) {
    Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!peer) return;
    if (!same_user(peer.get()) || connections_.size() >= most_connections) continue;
    auto connection = std::make_unique<Connection>();
    connection->id = next_id_++;
    connection->fd = std::move(peer);
    connections_.push_back(std::move(connection));
  }
}

bool ChannelServer::has_backlog() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) {
    return connection->backlog && connection->out.size() < queue_limit;
  });
}

void ChannelServer::receive(Connection& connection) {
  char buffer[64 * 1024];
  const ssize_t got = ::recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (got > 0) connection.in.append(buffer, static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) connection.closing = true;
  if (got == 0) connection.out.clear();
}

void ChannelServer::take_lines(Connection& connection, std::vector<Incoming>& requests) {
  std::size_t begin = 0;
  int long_answers = 0;
  connection.backlog = false;
  for (auto end = connection.in.find('\n'); end != std::string::npos; end = connection.in.find('\n', begin)) {
    if (long_answers == most_long_answers) {
      connection.backlog = true;
      break;
    }
    std::int64_t id = 0;
    auto request = parse_request(std::string_view(connection.in).substr(begin, end - begin), id);
    begin = end + 1;
    if (request) {
      long_answers += has_long_answer(request->op) ? 1 : 0;
      requests.push_back({connection.id, std::move(*request)});
    } else {
      connection.out += error_reply(id, "bad_request", request.error().what());
    }
  }
  connection.in.erase(0, begin);
  if (!connection.backlog && connection.in.size() > channel_line_limit) {
    connection.out += error_reply(0, "line_too_long", "a line may have 1 MiB at most");
    connection.closing = true;
  }
  flush(connection);
}

void ChannelServer::flush(Connection& connection) {
  while (!connection.out.empty()) {
    const ssize_t sent =
        ::send(connection.fd.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        connection.closing = true;
        connection.out.clear();
      }
      return;
    }
    connection.out.erase(0, static_cast<std::size_t>(sent));
  }
}

ChannelServer::Connection* ChannelServer::find(std::uint64_t id) {
  for (auto& connection : connections_)
    if (connection->id == id) return connection.get();
  return nullptr;
}

std::int64_t ChannelServer::attempt_of(std::uint64_t id) const {
  for (const auto& connection : connections_)
    if (connection->id == id) return connection->attempt;
  return 0;
}

void ChannelServer::set_attempt(std::uint64_t id, std::int64_t attempt) {
  if (auto* connection = find(id)) connection->attempt = attempt;
}

void ChannelServer::reply(std::uint64_t id, const std::string& line) {
  if (auto* connection = find(id)) {
    connection->out += line;
    flush(*connection);
  }
}

void ChannelServer::close_attempt(std::int64_t attempt) {
  std::erase_if(connections_, [&](const auto& connection) { return connection->attempt == attempt; });
}

namespace {

/// Long enough for a start to have ended, whichever way.
bool is_old(const std::string& folder) {
  struct stat info {};
  return ::stat(folder.c_str(), &info) == 0 &&
         RealClock().wall() - Instant(std::chrono::seconds(info.st_mtim.tv_sec)) > std::chrono::minutes(1);
}

}  // namespace

void sweep_channels(const std::string& folder) {
  for (const auto& name : list_folder(folder, "")) {
    const std::string one = path_join(folder, name);
    const std::string path = one + std::string(socket_name);
    sockaddr_un address{};
    Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!probe || !address_of(path, address)) continue;
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) continue;
    if (errno == ECONNREFUSED || (errno == ENOENT && is_old(one))) remove_folder(one);
  }
}

}  // namespace jobrun
