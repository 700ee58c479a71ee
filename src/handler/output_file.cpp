#include "handler/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"
#include "base/format.hpp"

namespace jobrun {

namespace {

constexpr int appending = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;

Fd make(const std::string& path) {
  const auto attempt = [&] { return Fd(::open(path.c_str(), appending | O_CREAT | O_TRUNC, 0600)); };
  Fd file = attempt();
  if (file || errno != ENOENT) return file;
  const std::string shelf = path_folder(path);
  ::mkdir(path_folder(shelf).c_str(), 0700);
  ::mkdir(shelf.c_str(), 0700);
  return attempt();
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

OutputFile::OutputFile(std::string path, std::size_t limit) : path_(std::move(path)), limit_(limit) {
  ::unlink(path_.c_str());
  if (limit_ == 0) path_.clear();
}

void OutputFile::add(std::string_view bytes) {
  if (path_.empty() || bytes.empty()) return;
  const std::size_t fits = std::min(bytes.size(), limit_ - kept_);
  const bool passes = beyond_ == 0 && fits < bytes.size();
  beyond_ += bytes.size() - fits;
  kept_ += fits;
  if (fits > 0) append(bytes.substr(0, fits));
  if (passes)
    append(fmt::format("\n[jobrun: {} bytes are kept here; of what follows only the end is]\n", limit_));
}

void OutputFile::finish(std::string_view tail) {
  if (path_.empty() || beyond_ == 0) return;
  if (tail.size() > beyond_) tail.remove_prefix(tail.size() - static_cast<std::size_t>(beyond_));
  append(fmt::format("[jobrun: {} bytes are left out here]\n", beyond_ - tail.size()) + std::string(tail));
}

/// A file that some bytes are missing from would say something untrue: it goes.
void OutputFile::append(std::string_view bytes) {
  if (path_.empty()) return;
  const Fd file = made_ ? Fd(::open(path_.c_str(), appending)) : make(path_);
  made_ = true;
  if (!file || !write_all(file.get(), bytes)) remove();
}

void OutputFile::remove() {
  if (!path_.empty() && made_) ::unlink(path_.c_str());
  path_.clear();
}

}  // namespace jobrun
