// How what a run's attempts wrote is shown: each attempt headed by its name, lines made safe for a terminal
// and, where several units are followed at once, led by the unit. Or the bytes alone, or one JSON object per
// line. Reads nothing.
#pragma once

#include <map>
#include <string>

#include "run/follow.hpp"

namespace jobrun {

class LogView {
 public:
  enum class Form { text, raw, json };
  /// `lead`: put the unit before each line.
  LogView(std::string run_id, Form form, bool lead) : run_id_(std::move(run_id)), form_(form), lead_(lead) {}

  /// What is to be written for it: whole lines but for the last of an attempt that still runs.
  std::string shown(const LogPiece& piece);
  std::string name_of(const LogPiece& piece) const;

 private:
  struct Shown {
    std::string held;   // the beginning of a line
    bool live = false;  // it ran when its heading was shown
  };
  std::string headline(const LogPiece& piece) const;
  std::string event(const LogPiece& piece, const char* what) const;
  std::string lines(const LogPiece& piece, std::string& held);
  std::string line(const LogPiece& piece, std::string_view text) const;

  std::string run_id_;
  Form form_;
  bool lead_;
  bool mid_line_ = false;
  std::map<std::int64_t, Shown> open_;
};

}  // namespace jobrun
