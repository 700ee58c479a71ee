#include "ledger/ledger.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "ledger/schema_sql.hpp"

namespace jobrun {

namespace {

constexpr off_t ballast_bytes = 256 * 1024;
constexpr int writer_wait_seconds = 10;
constexpr off_t asked_limit = 1024 * 1024;

Database::Mode mode_for(Ledger::Purpose purpose) {
  return purpose == Ledger::Purpose::look ? Database::Mode::read_only : Database::Mode::read_write;
}

/// Settings of every connection. journal_mode is a property of the file; it is set when the ledger is
/// created.
Result<void> settle(Database& database) {
  database.harden(/*checkpoint_on_close=*/false);
  // Readers wait only for a checkpoint's reset; writers queue on LEDGER.lock before they come here.
  database.set_busy_timeout(writer_wait_seconds * 1000);
  return database.execute(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 100;"
      "PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY;");
}

Result<void> check_identity(Database& database, const std::string& path) {
  auto id = database.integer("PRAGMA application_id");
  if (!id) return id.error();
  if (*id != Ledger::application_id)
    return Error(Fault::setup, path + " is a database, but not jobrun's ledger",
                 "check the path that --ledger names");
  auto version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > Ledger::schema_version)
    return Error(Fault::setup,
                 fmt::format("{} was written by a newer jobrun (schema {}, this one knows {})", path,
                             *version, Ledger::schema_version),
                 "install that version here");
  return {};
}

std::string as_owner(uid_t owner) {
  const passwd* entry = ::getpwuid(owner);
  return fmt::format("run as its owner: sudo -u {} jobrun ...",
                     entry != nullptr ? entry->pw_name : "'#" + std::to_string(owner) + "'");
}

/// It can't even be looked at: the first folder above that can says whose it is.
Error out_of_reach(const std::string& path, int problem) {
  struct stat info {};
  std::string folder = path_folder(path);
  while (folder != "/" && ::lstat(folder.c_str(), &info) != 0) folder = path_folder(folder);
  return system_error(Fault::setup, "ledger " + path, problem,
                      problem == EACCES && folder != "/" ? as_owner(info.st_uid) : "");
}

/// A regular file of ours; false where there is none.
Result<bool> check_file(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return out_of_reach(path, errno);
  }
  if (S_ISLNK(info.st_mode))
    return Error(Fault::setup, "ledger " + path + " is a symbolic link", "name the file itself");
  // Root too: what it wrote, and what its jobs did, would be out of the owner's reach from then on.
  if (info.st_uid != ::geteuid())
    return Error(Fault::setup, fmt::format("ledger {} belongs to uid {}, not to you", path, info.st_uid),
                 as_owner(info.st_uid));
  if (auto trusted = check_trusted_file(path); !trusted) return trusted.error();
  return true;
}

Result<void> check_folder(const std::string& folder) {
  if (auto trusted = check_trusted_folder(folder); !trusted) return trusted;
  return check_local_file_system(folder);
}

/// There is none; or for an instant, or after a restore that was cut off, none yet.
Error no_ledger(const std::string& path) {
  if (exists(Ledger::draft_path(path)))
    return Error(Fault::ledger, "a backup is being put in the place of the ledger " + path,
                 "call again; if that was cut off, `jobrun ledger restore FILE` does it again");
  return Error(
      Fault::setup, "there is no ledger at " + path,
      "if there was one, `jobrun ledger restore FILE` puts a backup in its place; `jobrun init` makes a "
      "new one, which knows nothing of what was done");
}

/// Interrupts a blocking flock: no SA_RESTART, so that it answers EINTR.
void wake_up(int) {}

/// The writer's lock of the ledger at `path`, waited for in order and not for ever.
Result<void> lock_in_turn(int lock_file, const std::string& path) {
  if (::flock(lock_file, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return system_error(Fault::ledger, "lock " + path + ".lock", errno);
  // flock(2) queues waiters in order but has no time-out: a timer interrupts it.
  struct sigaction wake {
  }, before{};
  wake.sa_handler = wake_up;
  ::sigaction(SIGALRM, &wake, &before);
  sigset_t alarm, mask;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  ::sigprocmask(SIG_UNBLOCK, &alarm, &mask);  // a caller may have left it blocked
  const itimerval every = {{0, 200'000}, {writer_wait_seconds, 0}};
  ::setitimer(ITIMER_REAL, &every, nullptr);
  const int taken = ::flock(lock_file, LOCK_EX);
  const int problem = errno;
  const itimerval off = {};
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  if (taken == 0) return {};
  if (problem == EINTR)
    return Error(Fault::ledger,
                 fmt::format("the ledger {} is being written by another process (waited {} s)", path,
                             writer_wait_seconds),
                 "call again later");
  return system_error(Fault::ledger, "lock " + path + ".lock", problem);
}

}  // namespace

Result<Fd> Ledger::lock_writer(const std::string& path) {
  Fd lock(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return system_error(Fault::setup, "open " + path + ".lock", errno);
  if (auto locked = lock_in_turn(lock.get(), path); !locked) return locked.error();
  return lock;
}

Result<bool> Ledger::create(const std::string& path) {
  const std::string folder = path_folder(path);
  if (auto made = make_folder(folder); !made) return made.error();
  if (auto fit = check_folder(folder); !fit) return fit.error();
  // One creator at a time: journal_mode=WAL on a fresh file ignores the busy timeout.
  auto lock = lock_writer(path);
  if (!lock) return lock.error();
  if (exists(path)) {
    auto there = open(path, Purpose::look);
    if (!there) return there.error();
    return false;
  }
  if (exists(draft_path(path))) return no_ledger(path);
  // Made under another name and renamed when it is whole, so that a half-made ledger is never met.
  const std::string draft = path + ".new";
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((draft + suffix).c_str());
  const mode_t mask = ::umask(0077);
  auto made = [&]() -> Result<void> {
    auto database = Database::open(draft, Database::Mode::create, "ledger " + path);
    if (!database) return database.error();
    const std::string sql = std::string("BEGIN;") + schema_sql +
                            fmt::format(";PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                                        application_id, schema_version);
    if (auto ok = database->execute(sql.c_str()); !ok) return ok.error();
    return database->execute("PRAGMA journal_mode = WAL;");
  }();
  ::umask(mask);
  if (!made) {
    ::unlink(draft.c_str());
    return made.error().during("create");
  }
  Fd whole(::open(draft.c_str(), O_RDWR | O_CLOEXEC));
  if (!whole || ::fsync(whole.get()) != 0) return system_error(Fault::ledger, "fsync " + draft, errno);
  for (const char* suffix : {"-wal", "-shm"}) ::unlink((draft + suffix).c_str());
  if (::rename(draft.c_str(), path.c_str()) != 0)
    return system_error(Fault::ledger, "rename to " + path, errno);
  if (auto made_run = make_folder(path + ".run"); !made_run) return made_run.error();
  if (auto synced = sync_folder(folder); !synced) return synced.error();
  auto ledger = open(path, Purpose::run);
  if (!ledger) return ledger.error();
  if (auto ballast = ledger->ensure_ballast(); !ballast) return ballast.error();
  return true;
}

Result<void> Ledger::check_place(const std::string& path) {
  if (auto there = check_file(path); !there) return there.error();
  return check_folder(path_folder(path));
}

Result<Ledger> Ledger::open(const std::string& path, Purpose purpose) {
  auto there = check_file(path);
  if (!there) return there.error();
  if (!*there) return no_ledger(path);
  if (auto fit = check_folder(path_folder(path)); !fit) return fit.error();

  const bool had_wal = exists(path + "-wal");
  Database::leave_folder_sync_to_caller();  // write() does it, when the log is new
  const mode_t mask =
      ::umask(0077);  // SQLite makes -wal and -shm with the ledger's mode, whatever the caller's umask
  auto database = Database::open(path, mode_for(purpose), "ledger " + path);
  ::umask(mask);
  if (!database) return database.error();
  auto fit = settle(*database);
  if (fit) fit = check_identity(*database, path);
  if (!fit && ::access(path.c_str(), W_OK) != 0 && errno == EROFS)
    return Error(Fault::ledger, "ledger " + path + ": its file system is read-only",
                 "make it writable and call again");
  if (!fit) return fit.error();
  Ledger ledger(path, std::move(*database));
  ledger.new_wal_ = !had_wal;
  return ledger;
}

Result<void> Ledger::copy_to(const std::string& path) {
  auto copy = Database::open(path, Database::Mode::create, "ledger " + path);
  if (!copy) return copy.error();
  return database_.copy_to(*copy);
}

Result<void> Ledger::writer_lock() {
  const std::string name = path_ + ".lock";
  if (!lock_file_) {
    lock_file_ = Fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_file_) return system_error(Fault::ledger, "open " + name, errno);
  }
  return lock_in_turn(lock_file_.get(), path_);
}

Result<void> Ledger::still_in_place() const {
  if (!database_.has_moved()) return {};
  return Error(Fault::ledger, "the ledger " + path_ + " was replaced a moment ago", "call again");
}

Result<void> Ledger::transaction(const std::function<Result<void>()>& body, bool& disk_full) {
  disk_full = false;
  auto done = database_.execute("BEGIN IMMEDIATE");
  if (!done) return done;
  done = body();
  if (done) done = database_.execute("COMMIT");
  if (!done) {
    disk_full = database_.disk_full();  // of the statement that failed, so before the next one
    (void)database_.execute("ROLLBACK");
  }
  return done;
}

Result<void> Ledger::write(const std::function<Result<void>()>& body) {
  auto locked = writer_lock();
  if (!locked) return locked.error();
  bool disk_full = false;
  auto written = still_in_place();
  if (written) written = transaction(body, disk_full);
  if (disk_full) {
    ::unlink((path_ + ".ballast").c_str());
    written = transaction(body, disk_full);
  }
  if (written && new_wal_) {
    // A person's sqlite3 removes the WAL when it closes; its new name must survive a power cut too.
    written = sync_folder(path_folder(path_));
    new_wal_ = false;
  }
  ++turns_;
  ::flock(lock_file_.get(), LOCK_UN);
  return written;
}

Result<void> Ledger::read(const std::function<Result<void>()>& body) {
  if (auto begun = database_.execute("BEGIN"); !begun) return begun;
  auto done = body();
  (void)database_.execute("ROLLBACK");
  return done;
}

Result<void> Ledger::ensure_ballast() {
  const std::string name = path_ + ".ballast";
  struct stat info {};
  if (::stat(name.c_str(), &info) == 0 && info.st_size == ballast_bytes) return {};
  Fd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(Fault::ledger, "open " + name, errno, "free some space and call again");
  const int problem = ::posix_fallocate(file.get(), 0, ballast_bytes);
  if (problem == 0) return {};
  ::unlink(name.c_str());
  return system_error(Fault::ledger, "keep 256 KiB in reserve as " + name, problem,
                      "free some space and call again; nothing was started");
}

void Ledger::note_asked(Instant at, std::string_view line) {
  const std::string name = path_ + ".asked";
  Fd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return;  // a note: it never changes an answer
  std::string entry = format_instant_short(at) + " ";
  entry.append(line).append("\n");
  if (::write(file.get(), entry.data(), entry.size()) < 0) return;
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && info.st_size > asked_limit)
    ::rename(name.c_str(), (name + ".1").c_str());
}

std::string Ledger::output_path(std::int64_t attempt) const {
  // Ten thousand to a folder: quick to list and to prune in a ledger of millions.
  return fmt::format("{}.output/{}/{}", path_, attempt / 10'000, attempt);
}

void Ledger::tidy() {
  if (turns_ < 8) return;  // a plain run leaves a few frames: cheaper to read than to write back
  if (auto locked = writer_lock(); !locked) return;
  if (still_in_place()) (void)database_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  ::flock(lock_file_.get(), LOCK_UN);
}

}  // namespace jobrun
