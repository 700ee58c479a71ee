// The ledger: one SQLite file and the locks beside it. Opened, checked, written one turn at a time.
// Promises: a write is durable when write() returns; one writer at a time, waited for in order and not for
// ever; a lease says that a (job, unit) is alive for as long as any process holds its descriptor. A missing
// ledger is never created by opening it. What stands in it is in runs.hpp, effects.hpp, cursors.hpp
// and history.hpp.
//
// Beside LEDGER stand LEDGER.lock (the writer's flock), LEDGER.units (a byte per living unit), LEDGER.ballast
// (room for what happened when the disk is full), LEDGER.asked (calls that found nothing to do) and
// LEDGER.run/ (sockets of running processes).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "base/sqlite.hpp"

namespace jobrun {

/// A (job, unit) kept for this process and those that inherit the descriptor. Freed when the last of them is
/// gone (fcntl(2), open file description locks), or by release().
class Lease {
 public:
  Lease() = default;
  explicit Lease(Fd lock) : lock_(std::move(lock)) {}
  explicit operator bool() const { return static_cast<bool>(lock_); }
  /// For the children of the unit; everybody else's copy is close-on-exec.
  int descriptor() const { return lock_.get(); }
  /// Free now, even where a process that was left running still has the descriptor.
  void release();

 private:
  Fd lock_;
};

class Ledger {
 public:
  static constexpr std::int64_t schema_version = 1;
  static constexpr std::int64_t application_id = 0x6a6f6272;  // "jobr"

  /// Makes folder, file, schema and ballast, durably; an existing ledger is left as it is. False: it was
  /// there already.
  static Result<bool> create(const std::string& path);
  /// Fault::setup for a missing, damaged, foreign or newer ledger, an untrusted folder or a network file
  /// system. `Purpose::look` reads only and works on a read-only file system.
  enum class Purpose { run, look };
  static Result<Ledger> open(const std::string& path, Purpose purpose);

  /// What open() asks of the place: a regular file of ours, if it is there, in a trusted folder of this
  /// machine.
  static Result<void> check_place(const std::string& path);
  /// The writer's lock, for whoever makes or replaces the file; held while the descriptor is open.
  static Result<Fd> lock_writer(const std::string& path);
  /// Room beside `path` in which a backup is made ready to take its place (ledger/restore.hpp).
  static std::string draft_path(const std::string& path) { return path + ".restored"; }

  const std::string& path() const { return path_; }
  std::string run_folder() const { return path_ + ".run"; }
  /// Where all that an attempt wrote is kept: while it runs, and later where its row can't hold it. Often
  /// there is no such file.
  std::string output_path(std::int64_t attempt) const;

  /// One transaction, durable when it returns, under the writer's lock. Where the disk is full the ballast is
  /// let go and `body` runs once more: it must not have changed anything but the ledger and its own results.
  /// Fault::ledger where a backup has taken the ledger's place since it was opened.
  Result<void> write(const std::function<Result<void>()>& body);
  /// A snapshot for several reads.
  Result<void> read(const std::function<Result<void>()>& body);

  /// Nothing where somebody else holds it; see holder().
  Result<std::optional<Lease>> lease(std::string_view job, std::string_view unit);
  /// True while some process holds the lease of (job, unit).
  bool is_leased(std::string_view job, std::string_view unit);
  /// Does this process hold the lease? False too where its /proc/PID/fdinfo (proc(5)) is not ours to read.
  bool holds(int pid, std::string_view job, std::string_view unit) const;
  /// All that hold it: looks at every process of the machine, so ask for a known one first.
  std::vector<int> holders(std::string_view job, std::string_view unit) const;

  /// Makes sure that what will happen can be recorded on a full disk; Fault::ledger where there is no room
  /// for it.
  Result<void> ensure_ballast();
  /// Notes that somebody asked and nothing was done: one line in LEDGER.asked, not synced, at most 2 MiB
  /// kept.
  void note_asked(Instant at, std::string_view line);
  /// A consistent copy in a new file, for reading and for experiments; not synced.
  Result<void> copy_to(const std::string& path);
  /// After a fan-out: leaves an empty WAL behind, so that the next start reads nothing (5-speed.md).
  void tidy();

  Database& database() { return database_; }

 private:
  Ledger(std::string path, Database database) : path_(std::move(path)), database_(std::move(database)) {}
  Result<void> writer_lock();
  Result<void> still_in_place() const;
  Result<void> transaction(const std::function<Result<void>()>& body, bool& disk_full);

  std::string path_;
  Database database_;
  Fd lock_file_;          // opened once, flocked per turn
  bool new_wal_ = false;  // the WAL's name is not durable yet
  std::int64_t turns_ = 0;
};

}  // namespace jobrun
