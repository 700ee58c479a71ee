// Leases of (job, unit): one byte each of LEDGER.units, locked through an open file description of its own
// (fcntl(2), F_OFD_SETLK). The byte's offset is a hash of the name, so no file name is ever built from a
// unit, and ten thousand units need one file. Children inherit the description: the kernel frees the byte
// when the last of them is gone.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

/// What a held lease looks like in /proc/PID/fdinfo/FD: `lock:  1: OFDLCK  ADVISORY  WRITE -1 08:01:INODE
/// START END` (proc(5)). Empty where no unit was ever leased.
std::string trace_of(const std::string& units_file, std::string_view job, std::string_view unit) {
  struct stat info {};
  if (::stat(units_file.c_str(), &info) != 0) return "";
  return ":" + std::to_string(info.st_ino) + " " + std::to_string(offset_of(job, unit)) + " ";
}

bool shows_lock(const std::string& fdinfo, std::string_view trace) {
  std::FILE* file = std::fopen(fdinfo.c_str(), "re");
  if (file == nullptr) return false;
  char line[256];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    const std::string_view text = line;
    found = text.starts_with("lock:") && text.find(trace) != std::string_view::npos;
  }
  std::fclose(file);
  return found;
}

bool has_open(const std::string& pid, std::string_view trace) {
  const std::string folder = "/proc/" + pid + "/fdinfo";
  const auto open = list_folder(folder, "");
  return std::any_of(open.begin(), open.end(),
                     [&](const std::string& fd) { return shows_lock(folder + "/" + fd, trace); });
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

bool Ledger::holds(int pid, std::string_view job, std::string_view unit) const {
  const std::string trace = trace_of(path_ + ".units", job, unit);
  return !trace.empty() && has_open(std::to_string(pid), trace);
}

std::vector<int> Ledger::holders(std::string_view job, std::string_view unit) const {
  std::vector<int> pids;
  const std::string trace = trace_of(path_ + ".units", job, unit);
  if (trace.empty()) return pids;
  for (const std::string& pid : list_folder("/proc", ""))
    if (!pid.empty() && pid[0] >= '1' && pid[0] <= '9' && has_open(pid, trace))
      pids.push_back(std::atoi(pid.c_str()));
  return pids;
}

}  // namespace jobrun
