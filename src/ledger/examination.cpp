#include "ledger/examination.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

namespace {

constexpr std::string_view beside[] = {"",       "-wal",   "-shm",     ".lock",
                                       ".units", ".asked", ".asked.1", ".ballast"};

std::int64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

}  // namespace

std::vector<OddFile> odd_files(const std::string& path) {
  std::vector<OddFile> odd;
  struct stat folder {};
  if (::stat(path_folder(path).c_str(), &folder) != 0) return odd;
  for (const std::string_view suffix : beside) {
    const std::string name = path + std::string(suffix);
    struct stat info {};
    if (::lstat(name.c_str(), &info) != 0) continue;
    if (!S_ISREG(info.st_mode))
      odd.push_back({name + " is not a regular file", "look what it is; jobrun does not follow links"});
    else if (info.st_uid != folder.st_uid)
      // One call as root is enough: the ledger's owner can't open that file any more.
      odd.push_back(
          {fmt::format("{} belongs to uid {}, its folder to uid {}", name, info.st_uid, folder.st_uid),
           fmt::format("chown {} {}", folder.st_uid, name)});
    else if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
      odd.push_back(
          {fmt::format("{} is open to others (mode {:o})", name, info.st_mode & 07777), "chmod 600 " + name});
  }
  return odd;
}

LedgerSizes sizes_of(const std::string& path) {
  return {size_of(path), size_of(path + "-wal"), size_of(path + ".ballast")};
}

bool is_writer_free(const std::string& path) {
  Fd lock(::open((path + ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!lock) return true;  // the first writer makes it
  // A shared one: it keeps no other doctor out, and closing the descriptor gives it back.
  return ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0;
}

Result<std::string> damage_of(Ledger& ledger) {
  auto query = ledger.database().prepare("PRAGMA quick_check(3)");
  if (!query) return query.error();
  auto lines = all_rows(query, only_text);
  if (!lines) return lines.error();
  std::string damage;
  for (const auto& line : *lines)
    if (line != "ok") damage += (damage.empty() ? "" : "; ") + line;
  return damage;
}

Result<std::string> newest_stamp(Ledger& ledger) {
  return ledger.database().text(
      "SELECT max(ifnull((SELECT called_at FROM calls ORDER BY id DESC LIMIT 1), ''),"
      "           ifnull((SELECT changed_at FROM runs ORDER BY id DESC LIMIT 1), ''))");
}

Result<std::vector<CallerSeen>> callers_since(Ledger& ledger, Instant since) {
  auto query = ledger.database().prepare(
      "SELECT caller, max(called_at), count(*)"
      " FROM (SELECT caller, called_at FROM calls ORDER BY id DESC LIMIT 10000)"
      " WHERE called_at >= :since GROUP BY caller ORDER BY 2 DESC");
  if (!query) return query.error();
  query->bind(":since", format_instant(since));
  return all_rows(query, [](const Statement& row) {
    return CallerSeen{row.text(0), row.text(1), row.integer(2)};
  });
}

}  // namespace jobrun
