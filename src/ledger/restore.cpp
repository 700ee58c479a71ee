// The new ledger is made ready beside the old one, under another name, while nobody can write or start a
// unit: the writer's lock is held, and so are the bytes of all units. Then the old one and its log are moved
// aside, both names made durable, and the new one gets the path. In between the path names nothing, which is
// answered with 74, "call again"; a log is never met by a file that it does not belong to. Who has the old
// one open writes nothing to it any more (Ledger::write).
#include "ledger/restore.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "ledger/lost.hpp"

namespace jobrun {

namespace {

constexpr const char* parts[] = {"", "-wal", "-shm", "-journal"};

void remove_all(const std::string& draft) {
  for (const char* part : parts) ::unlink((draft + part).c_str());
}

/// While this lives nobody starts a unit; a held byte is a unit that runs.
Result<Fd> hold_all_units(const std::string& path) {
  Fd units(::open((path + ".units").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!units) return system_error(Fault::ledger, "open " + path + ".units", errno);
  struct flock all {};  // from the first byte, without an end
  all.l_type = F_WRLCK;
  all.l_whence = SEEK_SET;
  if (::fcntl(units.get(), F_OFD_SETLK, &all) == 0) return units;
  if (errno != EAGAIN && errno != EACCES)
    return system_error(Fault::ledger, "lock " + path + ".units", errno);
  return Error(Fault::busy, "something runs with the ledger " + path,
               "`jobrun status` tells what: wait for its end, or end it");
}

/// Byte by byte: a backup may lie where nothing can be written, and opening it would write beside it.
Result<void> copy_file(const std::string& from, const std::string& to) {
  const Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!source) return system_error(Fault::setup, "open " + from, errno);
  const Fd copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!copy) return system_error(Fault::ledger, "make " + to, errno);
  ssize_t moved = 1;
  while (moved > 0) moved = ::sendfile(copy.get(), source.get(), nullptr, 1 << 30);
  if (moved < 0) return system_error(Fault::ledger, "copy " + from + " to " + to, errno);
  return {};
}

Result<void> check_backup(Database& copy, const std::string& backup) {
  const auto refused = [&](const std::string& why) {
    return Error(Fault::setup, backup + " " + why, "name another backup; nothing was changed");
  };
  auto id = copy.integer("PRAGMA application_id");
  if (!id && id.error().fault() == Fault::setup) return refused("is no ledger");
  if (!id) return id.error();
  auto version = copy.integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*id != Ledger::application_id || *version != Ledger::schema_version)
    return refused("is no ledger of this version of jobrun");
  auto sound = copy.text("PRAGMA integrity_check(1)");
  if (!sound && sound.error().fault() != Fault::setup) return sound.error();
  if (!sound || *sound != "ok") return refused("is damaged: " + (sound ? *sound : sound.error().what()));
  return {};
}

/// Empty where the old ledger knows all that was done since the backup: it is whole, it has the backup's last
/// call, and it has lost nothing itself.
Result<std::string> what_it_lacks(Database& copy) {
  auto sound = copy.text("PRAGMA old.integrity_check(1)");
  if (!sound) return sound.error();
  if (*sound != "ok") return std::string("the replaced ledger is damaged");
  auto goes_on = copy.integer(
      "SELECT count(*) FROM main.calls m JOIN old.calls o ON o.id = m.id AND o.called_at = m.called_at"
      " AND o.pid = m.pid AND o.boot_id = m.boot_id WHERE m.id = (SELECT max(id) FROM main.calls)");
  if (!goes_on) return goes_on.error();
  if (*goes_on == 0) return std::string("the replaced ledger is not the one that the backup was taken of");
  auto lost = copy.integer("SELECT count(*) FROM old.effects WHERE scope = ''");
  if (!lost) return lost.error();
  return std::string(*lost == 0 ? "" : "the replaced ledger had lost an interval itself");
}

/// What is confirmed stays so; all else is as the old ledger has it, by no attempt that the new one knows.
Result<void> carry_over(Database& copy, Restoration& made) {
  auto effects = copy.execute(
      "INSERT INTO main.effects (scope, key, state, token, fingerprint, if_in_doubt, token_ttl_ms, "
      "intended_at,"
      "   keep_until, attempt, confirmed_at, result, tries)"
      " SELECT scope, key, state, token, fingerprint, if_in_doubt, token_ttl_ms, intended_at, keep_until, -1,"
      "   confirmed_at, result, tries FROM old.effects o WHERE scope <> '' AND NOT EXISTS"
      " (SELECT 1 FROM main.effects m WHERE m.scope = o.scope AND m.key = o.key"
      "    AND (m.state = 'confirmed' OR (m.state = o.state AND m.tries = o.tries)))"
      " ON CONFLICT (scope, key) DO UPDATE SET state = excluded.state, confirmed_at = excluded.confirmed_at,"
      "   result = excluded.result, tries = excluded.tries, if_in_doubt = excluded.if_in_doubt");
  if (!effects) return effects;
  made.effects = copy.changes();
  auto pauses = copy.execute(
      "INSERT INTO main.pauses (job, unit, since, until, reason) SELECT job, unit, since, until, reason"
      " FROM old.pauses o WHERE ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM main.pauses m"
      "   WHERE m.job = o.job AND m.unit IS o.unit AND m.ended_at IS NULL)");
  if (!pauses) return pauses;
  made.pauses = copy.changes();
  auto since = copy.execute(
      "UPDATE main.effects SET intended_at = min(intended_at, (SELECT intended_at FROM old.effects"
      "   WHERE scope = '')) WHERE scope = '' AND EXISTS (SELECT 1 FROM old.effects WHERE scope = '')");
  if (!since) return since;
  auto runs = copy.integer(
      "SELECT count(*) FROM old.runs o WHERE NOT EXISTS (SELECT 1 FROM main.runs m WHERE m.job = o.job"
      "   AND m.run_date = o.run_date AND m.generation = o.generation AND m.state = o.state)");
  if (!runs) return runs.error();
  made.runs = *runs;
  auto cursors = copy.integer(
      "SELECT count(*) FROM (SELECT job, unit, stream, value FROM old.cursors WHERE scratch_run = 0"
      "   EXCEPT SELECT job, unit, stream, value FROM main.cursors WHERE scratch_run = 0)");
  if (!cursors) return cursors.error();
  made.cursors = *cursors;
  return {};
}

Result<void> learn_from_old(Database& copy, const std::string& path, Restoration& made) {
  {
    auto attach = copy.prepare("ATTACH DATABASE :path AS old");
    if (!attach) return attach.error();
    attach->bind(":path", path);
    if (auto attached = attach->run(); !attached) return attached;
  }
  auto lacks = what_it_lacks(copy);
  if (!lacks) return lacks.error();
  if (auto begun = copy.execute("BEGIN IMMEDIATE"); !begun) return begun;
  auto learned = carry_over(copy, made);
  // Begun when the backup was taken and not in the old ledger any more: taken back, it did not happen.
  if (learned && lacks->empty())
    learned = copy.execute(
        "DELETE FROM main.effects WHERE state <> 'confirmed' AND NOT EXISTS"
        " (SELECT 1 FROM old.effects o WHERE o.scope = effects.scope AND o.key = effects.key)");
  if (learned) learned = copy.execute("COMMIT");
  if (!learned) {
    (void)copy.execute("ROLLBACK");
    return learned;
  }
  made.unknown = *lacks;
  return {};
}

/// The new ledger, whole and in one file.
Result<void> make_draft(const std::string& draft, const std::string& path, const std::string& backup,
                        Restoration& made, Instant now) {
  if (auto copied = copy_file(backup, draft); !copied) return copied;
  {
    auto copy = Database::open(draft, Database::Mode::read_write, "ledger " + draft);
    if (!copy) return copy.error();
    copy->harden(/*checkpoint_on_close=*/false);  // of the old one: it stays as it is
    if (auto fit = check_backup(*copy, backup); !fit) return fit;
    // A copy that was made by other means knew at least its last call.
    auto newest = copy->text(
        "SELECT ifnull((SELECT called_at FROM calls ORDER BY id DESC LIMIT 1), '1970-01-01T00:00:00.000Z')");
    if (!newest) return newest.error();
    if (auto marked = mark_lost_interval(*copy, *newest); !marked) return marked;
    made.unknown = "there was no ledger to learn from";
    if (!made.aside.empty()) {
      if (auto learned = learn_from_old(*copy, path, made); !learned) {
        made.effects = made.pauses = made.runs = made.cursors = 0;
        made.unknown = "the replaced ledger can't be read (" + learned.error().what() + ")";
      }
      (void)copy->execute("DETACH DATABASE old");
    }
    auto since = copy->text("SELECT intended_at FROM effects WHERE scope = ''");
    if (!since) return since.error();
    made.since = since->empty() ? *newest : *since;
    auto until = copy->prepare("UPDATE effects SET result = :now WHERE scope = ''");
    if (!until) return until.error();
    until->bind(":now", format_instant(now));
    if (auto done = until->run(); !done) return done;
    if (auto wal = copy->execute("PRAGMA main.journal_mode = WAL"); !wal) return wal;
    auto busy = copy->integer("PRAGMA main.wal_checkpoint(TRUNCATE)");
    if (!busy) return busy.error();
  }
  for (const char* part : {"-wal", "-shm"}) ::unlink((draft + part).c_str());
  const Fd whole(::open(draft.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!whole || ::fsync(whole.get()) != 0) return system_error(Fault::ledger, "fsync " + draft, errno);
  return {};
}

Result<void> move(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  return system_error(Fault::ledger, "rename " + from + " to " + to, errno);
}

Result<void> put_in_place(const std::string& draft, const std::string& path, const std::string& aside) {
  const std::string folder = path_folder(path);
  for (const std::string part : {"", "-wal"})
    if (!aside.empty() && exists(path + part))
      if (auto moved = move(path + part, aside + part); !moved) return moved;
  for (const char* part : {"-wal", "-shm"}) ::unlink((path + part).c_str());
  auto placed = sync_folder(folder);
  if (placed) placed = move(draft, path);
  if (placed) return sync_folder(folder);
  if (!aside.empty())  // back again, the log first: there is no ledger yet that it could be played into
    for (const std::string part : {"-wal", ""}) ::rename((aside + part).c_str(), (path + part).c_str());
  return placed;
}

}  // namespace

Result<Restoration> restore_ledger(const std::string& path, const std::string& backup, bool dry_run,
                                   Instant now) {
  const std::string folder = path_folder(path), draft = Ledger::draft_path(path);
  const auto restored = [&]() -> Result<Restoration> {
    if (auto trusted = check_trusted_file(backup); !trusted) return trusted.error();
    if (backup == path) return usage_error(backup + " is the ledger itself", "name a backup");
    if (exists(backup + "-wal"))
      return Error(Fault::setup, backup + " has a log beside it, as a ledger in use has",
                   "name a file that `jobrun ledger backup` wrote");
    if (auto made = make_folder(folder); !made) return made.error();
    if (auto fit = Ledger::check_place(path); !fit) return fit.error();
    auto units = hold_all_units(path);
    if (!units) return units.error();
    auto writer = Ledger::lock_writer(path);
    if (!writer) return writer.error();
    Restoration made;
    if (exists(path)) made.aside = fmt::format("{}.replaced-{}", path, format_instant(now));
    remove_all(draft);
    const mode_t mask = ::umask(0077);
    auto ready = make_draft(draft, path, backup, made, now);
    ::umask(mask);
    if (ready && !dry_run) ready = put_in_place(draft, path, made.aside);
    if (!ready || dry_run) remove_all(draft);
    if (!ready) return ready.error();
    if (auto run = make_folder(path + ".run"); !run) return run.error();
    return made;
  }();
  return restored ? restored : Result<Restoration>(restored.error().during("restore"));
}

}  // namespace jobrun
