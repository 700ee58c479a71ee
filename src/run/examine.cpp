#include "run/examine.hpp"

#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <map>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/alerts.hpp"
#include "ledger/examination.hpp"

namespace jobrun {

namespace {

using State = Symptom::State;

constexpr std::int64_t mebibyte = 1024 * 1024;
constexpr std::int64_t most_read_through = 512 * mebibyte, long_log = 64 * mebibyte;
constexpr std::int64_t little_space = 64 * mebibyte, no_space = 1 * mebibyte;
constexpr Span clock_slack = std::chrono::minutes(5);
constexpr auto first_year = std::chrono::year(2025);

std::string bytes(std::int64_t count) {
  if (count < 1024) return fmt::format("{} B", count);
  if (count < mebibyte) return fmt::format("{} KiB", count / 1024);
  if (count >= 1024 * mebibyte) return fmt::format("{} GiB", count / mebibyte / 1024);
  return fmt::format("{}.{} MiB", count / mebibyte, count % mebibyte * 10 / mebibyte);
}

void fail(Symptoms& symptoms, std::string part, const Error& error) {
  symptoms.push_back({State::fail, std::move(part), error.what(),
                      error.next_step().empty() ? "mend it and call again" : error.next_step()});
}

std::string file_system_name(unsigned long magic) {
  switch (magic) {
    case EXT4_SUPER_MAGIC:
      return "ext2/3/4";
    case XFS_SUPER_MAGIC:
      return "xfs";
    case BTRFS_SUPER_MAGIC:
      return "btrfs";
    case TMPFS_MAGIC:
      return "tmpfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlay";
    case 0x2FC12FC1:
      return "zfs";
    default:
      return fmt::format("file system {:#x}", magic);
  }
}

void examine_file_system(const std::string& folder, Symptoms& symptoms) {
  if (auto local = check_local_file_system(folder); !local)
    return fail(symptoms, "file system", local.error());
  struct statfs kind {};
  if (::statfs(folder.c_str(), &kind) != 0) return;
  const std::string name = file_system_name(static_cast<unsigned long>(kind.f_type));
  if (name == "tmpfs" || name == "overlay")
    symptoms.push_back({State::warn, "file system",
                        folder + " is on " + name + ", which may be gone after a restart",
                        "keep the ledger on a disk, or in a volume"});
  else
    symptoms.push_back({State::ok, "file system", name, ""});
}

void examine_space(const std::string& path, const LedgerSizes& sizes, Symptoms& symptoms) {
  struct statvfs space {};
  if (::statvfs(path_folder(path).c_str(), &space) != 0) return;
  const auto left = static_cast<std::int64_t>(space.f_bavail * space.f_frsize);
  const bool no_names = space.f_files > 0 && space.f_favail < 100;  // 0: the file system does not count them
  std::string found = bytes(left) + " free";
  if (no_names) found += fmt::format(", {} files more", space.f_favail);
  if (left < no_space || no_names)
    symptoms.push_back({State::fail, "space", found, "free some space: runs will be refused with 74"});
  else if (left < little_space)
    symptoms.push_back({State::warn, "space", found, "free some space"});
  else if (sizes.reserve == 0)
    symptoms.push_back(
        {State::warn, "space", found + ", no reserve beside the ledger",
         "the next run that executes something makes it; if it does not, look for its message"});
  else
    symptoms.push_back({State::ok, "space", found + ", reserve " + bytes(sizes.reserve), ""});
}

void examine_clock(const std::string& newest, Instant now, Symptoms& symptoms) {
  const auto day = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now));
  const auto last = parse_instant(newest);
  const std::string shown = format_instant_short(std::chrono::floor<std::chrono::seconds>(now));
  if (day.year() < first_year)
    symptoms.push_back(
        {State::fail, "clock", "it is said to be " + shown, "set the clock (timedatectl status)"});
  else if (last && *last > now + clock_slack)
    symptoms.push_back({State::fail, "clock",
                        fmt::format("{}, but the ledger's newest entry is {} ahead of it ({})", shown,
                                    format_age(*last - now), newest),
                        "set the clock (timedatectl status); waits and staleness are wrong until then"});
  else
    symptoms.push_back({State::ok, "clock", shown, ""});
}

void examine_callers(Ledger& ledger, Instant now, Symptoms& symptoms) {
  auto callers = callers_since(ledger, now - std::chrono::days(7));
  if (!callers) return fail(symptoms, "callers", callers.error());
  std::vector<std::string> seen;
  for (const auto& one : *callers) {
    const auto at = parse_instant(one.latest);
    seen.push_back(fmt::format("{} {} (latest {} ago)", printable(one.caller), one.calls,
                               at ? format_age(std::max(Span(0), now - *at)) : one.latest));
  }
  if (seen.empty())
    symptoms.push_back({State::warn, "callers", "nothing was executed in the last 7 days",
                        "is there a crontab line or a timer that calls jobrun? (examples/crontab)"});
  else
    symptoms.push_back({State::ok, "callers", "in the last 7 days: " + join(seen, ", "), ""});
}

/// One line for each target that can't be reached, with its latest error: what is behind it is the same.
void examine_letters(Ledger& ledger, Symptoms& symptoms) {
  auto letters = undelivered_letters(ledger, 1000);
  if (!letters) return fail(symptoms, "alerts", letters.error());
  std::map<std::pair<std::string, std::string>, std::pair<const Letter*, int>> targets;
  for (const auto& letter : *letters) {  // the newest first
    auto& [latest, count] = targets.try_emplace({letter.job, letter.target}, &letter, 0).first->second;
    ++count;
  }
  if (targets.empty()) symptoms.push_back({State::ok, "alerts", "none is undelivered", ""});
  for (const auto& [whose, held] : targets) {
    const auto& [latest, count] = held;
    symptoms.push_back(
        {State::warn, "alerts",
         fmt::format("{} of {} not delivered to {}: {}", count, whose.first, clip(whose.second, 120),
                     clip(latest->error, 200)),
         latest->next_at.empty()
             ? "given up: mend the target; the next alert that reaches it ends this"
             : "mend the target; a call of jobrun from " + latest->next_at + " on tries again"});
  }
}

void examine_inside(Ledger& ledger, const LedgerSizes& sizes, Instant now, Symptoms& symptoms) {
  if (sizes.ledger > most_read_through) {
    symptoms.push_back(
        {State::ok, "integrity", bytes(sizes.ledger) + ", too long to be read through now", ""});
  } else if (auto damage = damage_of(ledger); !damage) {
    fail(symptoms, "integrity", damage.error());
  } else if (!damage->empty()) {
    symptoms.push_back({State::fail, "integrity", clip(printable(*damage), 300),
                        "restore the last backup: `jobrun ledger restore FILE` keeps this file"});
  } else {
    symptoms.push_back({State::ok, "integrity", "whole", ""});
  }
  auto newest = newest_stamp(ledger);
  if (newest) examine_clock(*newest, now, symptoms);
  if (!newest) examine_clock("", now, symptoms);
  examine_callers(ledger, now, symptoms);
  examine_letters(ledger, symptoms);
}

}  // namespace

Grounds examine_places(const std::string& ledger_flag, const std::string& jobs_flag,
                       const Environment& environment, Symptoms& symptoms) {
  auto config = load_config(environment);
  if (!config) {
    fail(symptoms, "configuration", config.error());
  } else {
    std::vector<std::string> words;
    for (const auto& [key, file] : config->said_by) words.push_back(key + " by " + file);
    symptoms.push_back({State::ok, "configuration", words.empty() ? "none" : join(words, ", "), ""});
  }
  // Each place by itself: naming the other one keeps a faulty configuration out of it.
  auto ledger = find_places(ledger_flag, config ? jobs_flag : "/", environment);
  auto jobs = find_places(config ? ledger_flag : "/", jobs_flag, environment);
  Grounds grounds;
  if (ledger) {
    grounds.ledger = ledger->ledger;
    grounds.ledger_by = ledger->ledger_by;
  } else if (config) {
    fail(symptoms, "ledger", ledger.error());
  }
  if (jobs) {
    grounds.jobs = jobs->jobs;
    grounds.jobs_by = jobs->jobs_by;
  }
  if (!ledger || !jobs)
    symptoms.push_back({State::warn, "places", "not everything could be looked at", "mend the above first"});
  return grounds;
}

void examine_ledger(const std::string& path, Instant now, Symptoms& symptoms) {
  const std::string folder = path_folder(path);
  auto ledger = Ledger::open(path, Ledger::Purpose::look);
  if (!ledger) {
    fail(symptoms, "ledger", ledger.error());
    if (!exists(folder)) return examine_clock("", now, symptoms);
  }
  const LedgerSizes sizes = sizes_of(path);
  if (ledger)
    symptoms.push_back(
        {State::ok, "ledger", fmt::format("{}, schema {}", bytes(sizes.ledger), Ledger::schema_version), ""});
  const auto odd = odd_files(path);
  for (const auto& file : odd) symptoms.push_back({State::fail, "files", file.what, file.next});
  if (odd.empty() && exists(path)) symptoms.push_back({State::ok, "files", "owners and modes are right", ""});
  if (sizes.log > long_log)
    symptoms.push_back({State::warn, "log", "the write-ahead log has " + bytes(sizes.log),
                        "a reader keeps it from being cut short: end long `sqlite3` sessions"});
  if (!is_writer_free(path))
    symptoms.push_back({State::warn, "lock", "another process writes just now",
                        "call again; if it stays so: fuser -v " + path + ".lock"});
  else if (ledger)
    symptoms.push_back({State::ok, "lock", "nobody writes", ""});
  examine_file_system(folder, symptoms);
  examine_space(path, sizes, symptoms);
  if (ledger) return examine_inside(*ledger, sizes, now, symptoms);
  examine_clock("", now, symptoms);
}

}  // namespace jobrun
