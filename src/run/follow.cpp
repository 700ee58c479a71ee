#include "run/follow.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.hpp"

namespace jobrun {

namespace {

constexpr std::size_t piece_limit = 64 * 1024;

Fd open_output(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (file && (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))) file.reset();
  return file;
}

bool was_taken_away(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && info.st_nlink == 0;
}

}  // namespace

RunLog::RunLog(Ledger& ledger, Run run, LogRequest request)
    : ledger_(ledger), run_(std::move(run)), request_(std::move(request)) {}

bool RunLog::is_wanted(const WrittenAttempt& attempt) const {
  const auto& units = request_.units;
  if (request_.attempt && *request_.attempt != attempt.number) return false;
  return units.empty() || std::find(units.begin(), units.end(), attempt.unit) != units.end();
}

Result<void> RunLog::first_look() {
  looked_ = true;
  return ledger_.read([&]() -> Result<void> {
    auto settled = is_settled();
    if (!settled) return settled.error();
    over_ = *settled || !request_.follow;
    auto newest = newest_attempt_id(ledger_);
    if (!newest) return newest.error();
    last_ = *newest;
    auto ids = attempt_ids_of(ledger_, run_.id);
    if (!ids) return ids.error();
    ahead_.assign(ids->begin(), ids->end());
    return {};
  });
}

Result<void> RunLog::look_again() {
  auto looked = ledger_.read([&]() -> Result<void> {
    // In this order: what is settled has no newer attempt than those that are found now.
    auto settled = is_settled();
    if (!settled) return settled.error();
    over_ = *settled;
    auto newest = newest_attempt_id(ledger_);
    if (!newest) return newest.error();
    auto ids = attempt_ids_behind(ledger_, run_.id, last_);
    if (!ids) return ids.error();
    last_ = *newest;
    ahead_.insert(ahead_.end(), ids->begin(), ids->end());
    return {};
  });
  if (!looked) return looked;
  for (Open& open : open_)
    if (auto alive = look_whether_alive(open); !alive) return alive;
  // A run that was cut off goes on with the next call, and nobody knows when that is.
  const bool nobody = std::all_of(open_.begin(), open_.end(), [](const Open& open) { return open.last; });
  if (cut_off_ && nobody && ahead_.empty()) over_ = true;
  return {};
}

/// A run's state follows from its units, so the run answers for all of them.
Result<bool> RunLog::is_settled() {
  auto run = run_with_id(ledger_, run_.id);
  if (!run) return run.error();
  if (*run && (*run)->is_final()) return true;
  if (request_.units.empty() && !request_.attempt) return false;
  auto units = units_of(ledger_, run_.id);
  if (!units) return units.error();
  for (const Unit& unit : *units) {
    const auto& wanted = request_.units;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), unit.unit) == wanted.end()) continue;
    const int ended = unit.attempts - (unit.state == UnitState::running ? 1 : 0);
    if (!is_final(unit.state) && !(request_.attempt && *request_.attempt <= ended)) return false;
  }
  return true;
}

Result<void> RunLog::look_whether_alive(Open& open) {
  // The lease before the row: it is let go only after the row has the end.
  const bool held = ledger_.is_leased(run_.job, open.attempt.unit);
  auto now = written_attempt(ledger_, open.attempt.id);
  if (!now) return now.error();
  if (*now) open.attempt = std::move(**now);
  const bool ended = !*now || open.attempt.state != AttemptState::running;
  open.cut_off = !ended && !held;
  open.last = ended || open.cut_off || !request_.follow;
  cut_off_ = cut_off_ || open.cut_off;
  return {};
}

Result<bool> RunLog::open_next() {
  while (!ahead_.empty()) {
    Open open;
    open.attempt.id = ahead_.front();
    ahead_.pop_front();
    auto row = written_attempt(ledger_, open.attempt.id);
    if (!row) return row.error();
    if (!*row || !is_wanted(**row)) continue;
    open.attempt = std::move(**row);
    if (auto alive = look_whether_alive(open); !alive) return alive.error();
    open_.push_back(std::move(open));
    return true;
  }
  return false;
}

LogPiece RunLog::piece(LogPiece::Kind kind, const Open& open) const {
  LogPiece made{kind, open.attempt, {}, open.cut_off};
  made.attempt.output_head.clear();
  made.attempt.output_tail.clear();
  return made;
}

/// What the row has beyond what was told from the file, which may have been taken away half-way.
std::string RunLog::rest_in_row(const Open& open) const {
  const WrittenAttempt& row = open.attempt;
  if (row.output_cut == 0) {
    const std::string all = row.output_head + row.output_tail;
    return open.told < all.size() ? all.substr(open.told) : "";
  }
  const std::string marker = fmt::format("\n[jobrun: {} bytes are not kept here]\n", row.output_cut);
  return (open.told == 0 ? row.output_head : "") + marker + row.output_tail;
}

std::optional<LogPiece> RunLog::read(Open& open) {
  if (!open.file) open.file = open_output(ledger_.output_path(open.attempt.id));
  LogPiece made = piece(LogPiece::Kind::output, open);
  if (open.file) {
    made.bytes.resize(piece_limit);
    const ssize_t got = ::read(open.file.get(), made.bytes.data(), made.bytes.size());
    made.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  const bool whole = open.file && !was_taken_away(open.file.get());
  if (made.bytes.empty() && open.last && !whole) {
    made.bytes = rest_in_row(open);
    open.attempt.output_head.clear();
    open.attempt.output_tail.clear();
    open.attempt.output_cut = 0;
  }
  if (made.bytes.empty()) return std::nullopt;
  open.told += made.bytes.size();
  return made;
}

Result<std::optional<LogPiece>> RunLog::next() {
  if (!looked_) {
    if (auto looked = first_look(); !looked) return looked.error();
  }
  while (true) {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const std::size_t at = (turn_ + i) % open_.size();
      Open& open = open_[at];
      if (auto more = read(open)) {
        turn_ = at + 1;  // one that floods must not keep the others waiting
        return more;
      }
      if (!open.last) continue;
      LogPiece end = piece(LogPiece::Kind::ends, open);
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
      return std::optional<LogPiece>(std::move(end));
    }
    auto opened = open_next();
    if (!opened) return opened.error();
    if (!*opened) return std::optional<LogPiece>();
    return std::optional<LogPiece>(piece(LogPiece::Kind::begins, open_.back()));
  }
}

Result<std::string> RunLog::waits_until() {
  return earliest_wait(ledger_, run_.id);
}

}  // namespace jobrun
