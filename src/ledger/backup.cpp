#include "ledger/backup.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "ledger/lost.hpp"

namespace jobrun {

namespace {

/// The copy says of itself that it knows nothing from this moment on; one of a ledger that had lost an
/// interval goes on saying since when.
Result<void> mark_as_backup(const std::string& path, Instant taken_at) {
  auto copy = Database::open(path, Database::Mode::read_write, "backup " + path);
  if (!copy) return copy.error();
  copy->harden(/*checkpoint_on_close=*/true);
  return mark_lost_interval(*copy, format_instant(taken_at));
}

Result<void> give_name(const std::string& draft, const std::string& path, bool replace) {
  Fd whole(::open(draft.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!whole || ::fsync(whole.get()) != 0) return system_error(Fault::ledger, "fsync " + draft, errno);
  const int given =
      ::renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(), replace ? 0 : RENAME_NOREPLACE);
  if (given != 0 && errno == EEXIST)
    return usage_error(path + " is there already", "name another file, or add --force");
  if (given != 0) return system_error(Fault::ledger, "rename to " + path, errno);
  return sync_folder(path_folder(path));
}

bool same_file(const std::string& one, const std::string& other) {
  struct stat first {
  }, second{};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

Result<void> write_backup(Ledger& ledger, const std::string& path, bool replace, Instant now) {
  if (same_file(path, ledger.path())) return usage_error(path + " is the ledger itself", "name another file");
  if (!replace && exists(path))
    return usage_error(path + " is there already", "name another file, or add --force");
  // A log that is there already would be played into the new file by whoever opens it.
  if (exists(path + "-wal"))
    return usage_error(path + " has a log of its own beside it, as a ledger in use has", "name another file");
  std::string draft = path + ".XXXXXX";
  if (const Fd empty(::mkostemp(draft.data(), O_CLOEXEC)); !empty)
    return system_error(Fault::setup, "make a file beside " + path, errno);
  const auto written = [&]() -> Result<void> {
    if (auto done = ledger.copy_to(draft); !done) return done;
    if (auto marked = mark_as_backup(draft, now); !marked) return marked;
    return give_name(draft, path, replace);
  }();
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((draft + suffix).c_str());
  return written ? written : Result<void>(written.error().during("backup"));
}

}  // namespace jobrun
