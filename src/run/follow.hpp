// Reading what a run's attempts wrote, piece by piece, and following them while they run.
//
// Theory: attempts come in the order they started. One that has ended is read to its end before the next; one
// that runs stays open, and is read again after each look_again() until its row says that it ended (the file
// is whole by then). Where there is no file the row's head and tail stand for it. An attempt without an end
// whose lease is free was cut off: nobody will write to it any more. Never waits, prints or changes anything.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "ledger/outputs.hpp"
#include "run/world.hpp"

namespace jobrun {

/// What to read of a run.
struct LogRequest {
  std::vector<std::string> units;  ///< empty: all
  std::optional<int> attempt;      ///< only this number
  bool follow = false;
};

struct LogPiece {
  enum class Kind { begins, output, ends };
  Kind kind = Kind::begins;
  WrittenAttempt attempt;  ///< as its row stands; its output is not in here
  std::string bytes;
  bool cut_off = false;  ///< it has no end, and nobody runs it
};

class RunLog {
 public:
  RunLog(Ledger& ledger, Run run, LogRequest request);

  /// The next piece; nothing where all is read that there is now.
  Result<std::optional<LogPiece>> next();
  /// For following, once next() has nothing: what is new in the ledger.
  Result<void> look_again();
  /// Nothing more will come: the run, or all that was asked for of it, has ended or was cut off.
  bool is_over() const { return over_; }
  /// An attempt runs now.
  bool is_live() const { return !open_.empty(); }
  /// When the first waiting unit may start again, as stored; empty where none waits.
  Result<std::string> waits_until();

 private:
  struct Open {
    WrittenAttempt attempt;
    Fd file;
    std::size_t told = 0;  // bytes of it
    bool last = false;     // nothing will be added
    bool cut_off = false;
  };
  Result<void> first_look();
  Result<bool> open_next();
  std::optional<LogPiece> read(Open& open);
  std::string rest_in_row(const Open& open) const;
  LogPiece piece(LogPiece::Kind kind, const Open& open) const;
  bool is_wanted(const WrittenAttempt& attempt) const;
  Result<void> look_whether_alive(Open& open);
  Result<bool> is_settled();

  Ledger& ledger_;
  Run run_;
  LogRequest request_;
  std::deque<std::int64_t> ahead_;
  std::vector<Open> open_;
  std::size_t turn_ = 0;
  std::int64_t last_ = 0;
  bool looked_ = false, over_ = false, cut_off_ = false;
};

}  // namespace jobrun
