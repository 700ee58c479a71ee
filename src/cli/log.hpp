// The log of a call on stderr, in the form that is asked for: sentences for people, logfmt, JSON, or the
// journal's own fields where stderr is the journal. What was said of the run stands on every later line.
// Writes never fail a call, and never wait for the journal.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/line.hpp"
#include "base/result.hpp"
#include "run/world.hpp"

namespace jobrun {

enum class LogForm { text, logfmt, json, journal };

/// Of --log-format: "text", "logfmt", "json", or "auto": the journal's where stderr is the journal, text on a
/// terminal, else logfmt. Fault::usage for another word.
Result<LogForm> log_form(std::string_view word, const Environment& environment);

/// What the journal knows events by (journalctl MESSAGE_ID=...): never changed, jobrun(1) names them.
inline constexpr std::string_view unit_is_done_id = "e9d18c7ac5e143d0a3cf09ed4aee3637";
inline constexpr std::string_view unit_needs_person_id = "461f90a8220b4c4fb19ada2e0680f819";

class Log {
 public:
  Log(LogForm form, bool chosen, const Clock& clock) : form_(form), chosen_(chosen), clock_(clock) {}

  /// What is known of the run, for every line from here on: job, run_id, run_date, caller.
  void set_run(std::string job, std::string run_date, std::string run_id, std::string caller);
  /// `sentence`: the whole of it in words, also several lines; `message` and `fields`: the same for programs;
  /// `message_id`: what kind of event it is, for the journal.
  void write(std::string_view level, std::string_view message, const LogFields& fields,
             std::string_view sentence, std::string_view message_id = {});
  /// Words that have no fields of their own.
  void note(std::string_view level, std::string_view text) { write(level, text, {}, text); }
  void error(const Error& error);

  /// Takes the form that the configuration names, where the call named none.
  void choose(LogForm form);
  /// A person chose a form, so nothing is drawn over what was written.
  bool was_chosen() const { return chosen_; }
  const Clock& clock() const { return clock_; }

 private:
  LogForm form_;
  bool chosen_;
  const Clock& clock_;
  LogFields run_;
};

}  // namespace jobrun
