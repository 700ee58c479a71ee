// A verdict: the clear result of one attempt, with a reason code and a message; and how a child's end becomes
// one. The manifest's ordered rules come first, then the default map. Never looks at what the child printed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace jobrun {

enum class VerdictKind { done, retry, stop };
std::string_view word_of(VerdictKind kind);
std::optional<VerdictKind> verdict_kind(std::string_view word);

struct Verdict {
  VerdictKind kind = VerdictKind::done;
  std::string reason;   ///< [a-z0-9_.]{1,64}: "rate_limited", "exit_3", "timed_out"; "ok" for done
  std::string message;  ///< one sentence for a person
  bool pause = false;   ///< stop, and keep the unit out of later runs
  std::optional<Span> retry_after;  ///< the least wait that the other side asked for

  static Verdict done(std::string message = {});
  static Verdict retry(std::string reason, std::string message, std::optional<Span> retry_after = {});
  static Verdict stop(std::string reason, std::string message, bool pause = false);
};

/// True for a reason code as above.
bool is_reason(std::string_view text);

/// How a process ended (wait(2)).
struct ChildEnd {
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool timed_out = false;       ///< our own time-out ended it
  bool interrupted = false;     ///< our own stop request ended it
  bool not_found = false;       ///< exec: ENOENT
  bool not_executable = false;  ///< exec: EACCES, ENOEXEC
};

/// One `outcomes` rule of a manifest; first match wins.
struct OutcomeRule {
  struct Range {
    int first;
    int last;
  };
  std::vector<Range> exits;
  std::vector<int> signals;
  Verdict verdict;
  std::vector<Range> statuses = {};  ///< of HTTP answers
};

/// The verdict of a child that said nothing itself. Contract 2.5: 0 done; 75 retry; 64-74, 76-78, 80 stop;
/// 126/127 stop (not_executable, not_found); 124, time-out, signals retry; anything else retry. Interrupted
/// is retry with reason `interrupted`.
Verdict classify(const ChildEnd& end, const std::vector<OutcomeRule>& rules, Span timeout);

/// What a child said against how it ended: the worse wins (stop > retry > done), and the message says so.
Verdict reconcile(const Verdict& said, const Verdict& ended);

/// "SIGTERM" for 15; "signal 99" for others.
std::string signal_name(int number);
std::optional<int> signal_number(std::string_view name);

}  // namespace jobrun
