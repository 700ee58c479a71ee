#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace jobrun {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    number_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  reset();
}

int Fd::release() {
  return std::exchange(number_, -1);
}

void Fd::reset() {
  if (number_ >= 0) ::close(number_);  // close(2): after EINTR the descriptor is gone on Linux
  number_ = -1;
}

Error system_error(Fault fault, std::string_view doing, int error_number, std::string next_step) {
  char buffer[128];
  const char* text = ::strerror_r(error_number, buffer, sizeof buffer);
  return Error(fault, std::string(doing) + ": " + text, std::move(next_step));
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return system_error(Fault::setup, "open " + path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return system_error(Fault::setup, "stat " + path, errno);
  if (!S_ISREG(info.st_mode)) return Error(Fault::setup, "open " + path + ": it is not a regular file");
  std::string content;
  content.resize(std::min(static_cast<std::size_t>(info.st_size), limit) +
                 1);  // one more: tells whether it grew
  std::size_t filled = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(Fault::setup, "read " + path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > limit)
      return Error(Fault::setup, "read " + path + ": it is longer than " + std::to_string(limit) + " bytes");
    if (filled == content.size()) content.resize(std::min(content.size() * 2, limit + 1));
  }
  content.resize(filled);
  return content;
}

namespace {

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t wrote = ::write(fd, content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return system_error(Fault::ledger, "write " + path, errno);
    content.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  Fd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return system_error(Fault::ledger, "create a file beside " + path, errno);
  auto fail = [&](Error error) {
    ::unlink(temporary.c_str());
    return error;
  };
  if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0)
    return fail(system_error(Fault::ledger, "set the mode of " + path, errno));
  if (auto written = write_all(file.get(), content, path); !written) return fail(written.error());
  if (::fsync(file.get()) != 0) return fail(system_error(Fault::ledger, "fsync " + path, errno));
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail(system_error(Fault::ledger, "rename to " + path, errno));
  return sync_folder(path_folder(path));
}

Result<void> check_replaceable(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return {};
  return Error(Fault::setup, path + " is there and is not a regular file",
               "name a file, or `-` for standard output");
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno != EEXIST) return system_error(Fault::setup, "make the folder " + path, errno);
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
    return Error(Fault::setup, "make the folder " + path + ": something else has that name");
  }
  return sync_folder(path_folder(path));
}

Result<void> sync_folder(const std::string& path) {
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return system_error(Fault::ledger, "open the folder " + path, errno);
  if (::fsync(folder.get()) != 0) return system_error(Fault::ledger, "fsync the folder " + path, errno);
  return {};
}

namespace {

Result<void> check_owner_and_mode(const std::string& path, const struct stat& info, bool is_parent) {
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return Error(Fault::setup,
                 path + " belongs to uid " + std::to_string(info.st_uid) + ", neither to root nor to you",
                 "chown " + std::to_string(::geteuid()) + " " + path);
  const bool others_write = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if (!others_write || (is_parent && sticky)) return {};
  // A sticky one is everybody's, as /tmp, and to stay so.
  return Error(Fault::setup, path + " can be written by others",
               sticky ? "make a folder of your own inside of it, of mode 0700" : "chmod go-w " + path);
}

Result<void> check_parents(const std::string& path) {
  std::string folder = path_folder(path);
  while (true) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return system_error(Fault::setup, "stat " + folder, errno);
    if (auto ok = check_owner_and_mode(folder, info, true); !ok) return ok;
    if (folder == "/") return {};
    folder = path_folder(folder);
  }
}

Result<void> check_opened(const std::string& path, int flags, std::string_view what,
                          bool (*right_kind)(mode_t)) {
  Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags));
  if (!opened) {
    if (errno == ELOOP || errno == ENOTDIR)
      return Error(Fault::setup,
                   path + " is not " + std::string(what) + " (symbolic links are not followed)");
    return system_error(Fault::setup, "open " + path, errno);
  }
  struct stat info {};
  if (::fstat(opened.get(), &info) != 0) return system_error(Fault::setup, "stat " + path, errno);
  if (!right_kind(info.st_mode)) return Error(Fault::setup, path + " is not " + std::string(what));
  return check_owner_and_mode(path, info, false);
}

}  // namespace

Result<void> check_trusted_folder(const std::string& path) {
  if (auto ok = check_opened(path, O_DIRECTORY, "a folder", [](mode_t mode) { return S_ISDIR(mode); }); !ok)
    return ok;
  return check_parents(path);
}

Result<void> check_trusted_file(const std::string& path) {
  return check_opened(path, 0, "a regular file", [](mode_t mode) { return S_ISREG(mode); });
}

Result<void> check_local_file_system(const std::string& folder) {
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return system_error(Fault::setup, "statfs " + folder, errno);
  struct Remote {
    unsigned long magic;
    const char* name;
  };
  // linux/magic.h and statfs(2); FUSE and CIFS have no macro in every header version.
  static constexpr Remote remotes[] = {
      {NFS_SUPER_MAGIC, "NFS"}, {SMB_SUPER_MAGIC, "SMB"},   {0xFF534D42UL, "CIFS"},
      {0xFE534D42UL, "SMB2"},   {0x65735546UL, "FUSE"},     {V9FS_MAGIC, "9p"},
      {AFS_SUPER_MAGIC, "AFS"}, {CODA_SUPER_MAGIC, "Coda"}, {0x00C36400UL, "Ceph"}};
  for (const Remote& remote : remotes) {
    if (static_cast<unsigned long>(info.f_type) == remote.magic)
      return Error(Fault::setup, folder + " is on " + remote.name + ", where locks can not be relied on",
                   "put the ledger on a local disk (--ledger, or \"ledger\" in the configuration)");
  }
  return {};
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

std::vector<std::string> list_folder(const std::string& path, std::string_view suffix) {
  std::vector<std::string> names;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name.ends_with(suffix)) names.emplace_back(name);
  }
  ::closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

std::string path_join(std::string_view folder, std::string_view name) {
  if (name.starts_with('/')) return std::string(name);
  std::string joined(folder);
  if (!joined.ends_with('/')) joined += '/';
  return joined.append(name);
}

std::string path_folder(std::string_view path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string_view path_name(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 is 0
}

std::string path_absolute(std::string_view path) {
  std::string full(path);
  if (!path.starts_with('/')) {
    char* here = ::getcwd(nullptr, 0);
    full = path_join(here != nullptr ? here : "/", path);
    std::free(here);
  }
  std::string normal;
  std::size_t at = 0;
  while (at < full.size()) {
    const std::size_t end = std::min(full.find('/', at), full.size());
    const std::string_view part(full.data() + at, end - at);
    if (part == "..") {
      normal.resize(normal.empty() ? 0 : normal.find_last_of('/'));
    } else if (!part.empty() && part != ".") {
      normal.append("/").append(part);
    }
    at = end + 1;
  }
  return normal.empty() ? "/" : normal;
}

}  // namespace jobrun
