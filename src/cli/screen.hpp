// What people see: the answer on stdout, commentary on stderr, tables, ages, colour where it is wanted.
// Everything that came from outside passes printable(). A write never fails a call that brings on a run: its
// exit code is the answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "cli/log.hpp"
#include "contract/exit_codes.hpp"
#include "run/request.hpp"
#include "run/world.hpp"

namespace jobrun {

void print_out(std::string_view text);
/// The same, and whether all of it was written.
bool write_out(std::string_view text);
/// Whether all that was printed on standard output so far could be written.
Result<void> check_answer_arrived();
void print_err(std::string_view text);
/// "jobrun: what" and, where there is one, "hint: next step".
void print_error(const Error& error);

/// True where a stream is a terminal that takes escape sequences.
bool on_terminal(int fd);

/// Columns as wide as their widest cell (in characters), two blanks between. Where `width` is not 0 and they
/// do not fit, the widest are narrowed and the last one is cut, with "..." for what is left out.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t width);
/// Columns of the terminal on stdout; 0: not a terminal, nothing is cut.
std::size_t screen_width();
/// "2026-04-12 02:00:07", UTC, of a stored stamp.
std::string moment(const std::string& stamp);
/// "3h 12m ago", "just now"; the text itself where it is no stamp.
std::string ago(const std::string& stamp, Instant now);

/// Commentary of a run: on a terminal a line that is overwritten and the failures; else one log line per
/// attempt that ended, and of a long run one a minute that says how far it is.
class RunScreen final : public Observer {
 public:
  static constexpr Span progress_every = std::chrono::minutes(1);
  RunScreen(Log& log, bool quiet);
  ~RunScreen() override;
  /// Takes the progress line away: before anything else is printed.
  void clear();
  void note(const std::string& text) override;
  void unit_started(const Run& run, const Unit& unit, int attempt) override;
  void unit_ended(const Run& run, const Unit& unit, const AttemptEnd& end,
                  const std::vector<std::string>& tail) override;
  void progress(const Run& run, const Unit& unit, int attempt, const std::string& message,
                std::optional<double> fraction) override;

 private:
  void status_line(const std::string& text);
  Log& log_;
  bool draws() const { return on_terminal_ && !log_.was_chosen(); }
  bool quiet_, on_terminal_;
  bool line_shown_ = false;
  Span told_at_;  // the last line of progress, or the beginning
  int ended_ = 0;
};

/// A run's answer in words: the headline, then every unit that is not done and why.
std::string answer_text(const Answer& answer, bool dry_run);
Json answer_json(const Answer& answer);
/// True where a person must act on what this call did or found out.
bool needs_person(Exit exit);

}  // namespace jobrun
