// Leases of (job, unit): one byte each of LEDGER.units, locked through an open file description of its own
// (fcntl(2), F_OFD_SETLK). The byte's offset is a hash of the name, so no file name is ever built from a
// unit, and ten thousand units need one file. Children inherit the description: the kernel frees the byte
// when the last of them is gone.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/text.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

namespace {

/// 62 bits of SHA-256: two of a million units meet with a probability of 10^-7.
off_t offset_of(std::string_view job, std::string_view unit) {
  const std::string hash = sha256_hex(std::string(job) + '\0' + std::string(unit));
  return static_cast<off_t>(std::strtoull(hash.substr(0, 16).c_str(), nullptr, 16) >> 2);
}

struct flock byte_at(off_t offset, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = offset;
  lock.l_len = 1;
  return lock;
}

/// True if /proc/PID/fdinfo/FD shows the lock: `lock:  1: OFDLCK  ADVISORY  WRITE -1 08:01:INODE START END`
/// (proc(5)).
bool shows_lock(const std::string& fdinfo, ino_t inode, off_t offset) {
  std::FILE* file = std::fopen(fdinfo.c_str(), "re");
  if (file == nullptr) return false;
  const std::string wanted = ":" + std::to_string(inode) + " " + std::to_string(offset) + " ";
  char line[256];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    const std::string_view text = line;
    found = text.starts_with("lock:") && text.find(wanted) != std::string_view::npos;
  }
  std::fclose(file);
  return found;
}

}  // namespace

void Lease::release() {
  if (!lock_) return;
  struct flock whole {};
  whole.l_type = F_UNLCK;
  whole.l_whence = SEEK_SET;
  ::fcntl(lock_.get(), F_OFD_SETLK, &whole);
  lock_.reset();
}

Result<std::optional<Lease>> Ledger::lease(std::string_view job, std::string_view unit) {
  const std::string name = path_ + ".units";
  Fd file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(Fault::ledger, "open " + name, errno);
  struct flock lock = byte_at(offset_of(job, unit), F_WRLCK);
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) == 0) return std::optional<Lease>(Lease(std::move(file)));
  if (errno == EAGAIN || errno == EACCES) return std::optional<Lease>();
  return system_error(Fault::ledger, "lock " + name, errno);
}

bool Ledger::is_leased(std::string_view job, std::string_view unit) {
  Fd file(::open((path_ + ".units").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return false;
  struct flock lock = byte_at(offset_of(job, unit), F_RDLCK);
  return ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::vector<int> Ledger::holders(std::string_view job, std::string_view unit) const {
  std::vector<int> pids;
  struct stat info {};
  if (::stat((path_ + ".units").c_str(), &info) != 0) return pids;
  const off_t offset = offset_of(job, unit);
  for (const std::string& pid : list_folder("/proc", "")) {
    if (pid.empty() || pid[0] < '1' || pid[0] > '9') continue;
    const std::string folder = "/proc/" + pid + "/fdinfo";
    for (const std::string& fd : list_folder(folder, "")) {
      if (!shows_lock(folder + "/" + fd, info.st_ino, offset)) continue;
      pids.push_back(std::atoi(pid.c_str()));
      break;
    }
  }
  return pids;
}

}  // namespace jobrun
