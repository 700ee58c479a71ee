#include "cli/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/then.hpp"

namespace jobrun {

namespace {

int answer_problem = 0;  // errno of the first write to standard output that failed

bool write_to(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && fd == STDOUT_FILENO && answer_problem == 0) answer_problem = errno;
    if (wrote < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

/// Characters, not bytes: good enough for aligning ids and names.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void print_out(std::string_view text) {
  write_to(STDOUT_FILENO, text);
}
bool write_out(std::string_view text) {
  return write_to(STDOUT_FILENO, text);
}
Result<void> check_answer_arrived() {
  if (answer_problem == 0 || answer_problem == EPIPE) return {};  // EPIPE: the reader has seen enough
  return system_error(Fault::ledger, "write the answer to standard output", answer_problem,
                      "what was written is not whole: make room, then call again");
}
void print_err(std::string_view text) {
  write_to(STDERR_FILENO, text);
}

void print_error(const Error& error) {
  std::string text;
  for (const std::string_view line : split(error.what(), '\n')) text += fmt::format("jobrun: {}\n", line);
  if (!error.next_step().empty()) text += fmt::format("hint: {}\n", error.next_step());
  print_err(text);
}

bool on_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

std::size_t screen_width() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

namespace {

constexpr std::size_t narrowest = 12;    // characters of a column that is made to fit
constexpr std::size_t last_wanted = 24;  // what the last column is left, if the others can give it

/// The widest columns give way, the last one keeps what is left.
void narrow(std::vector<std::size_t>& widths, std::size_t width) {
  const std::size_t last = std::min(widths.back(), last_wanted);
  const auto others = widths.end() - 1;
  while (true) {
    std::size_t used = last;
    for (auto column = widths.begin(); column != others; ++column) used += *column + 2;
    const auto widest = std::max_element(widths.begin(), others);
    if (used <= width || widest == others || *widest <= narrowest) return;
    *widest = std::max(narrowest, *widest - std::min(*widest, used - width));
  }
}

/// `text` in `width` characters, "..." where something was cut.
std::string fitted(const std::string& text, std::size_t width) {
  if (characters(text) <= width) return text;
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes) {
    if ((static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80 && seen++ == width - 3) break;
  }
  return text.substr(0, bytes) + "...";
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t width) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], characters(row[i]));
    }
  const bool bounded = width > 10 && widths.size() > 1;
  if (bounded) narrow(widths, width);
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = bounded && i + 1 < widths.size() ? fitted(row[i], widths[i]) : row[i];
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - characters(cell) + 2, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    text += (width > 10 ? fitted(line, width) : line) + "\n";
  }
  return text;
}

std::string moment(const std::string& stamp) {
  return stamp.size() < 19 || stamp[10] != 'T' ? stamp : stamp.substr(0, 10) + " " + stamp.substr(11, 8);
}

std::string ago(const std::string& stamp, Instant now) {
  const auto at = parse_instant(stamp);
  if (!at) return stamp.empty() ? "never" : stamp;
  return now - *at < std::chrono::seconds(1) ? "just now" : format_age(now - *at) + " ago";
}

RunScreen::RunScreen(Log& log, bool quiet)
    : log_(log), quiet_(quiet), on_terminal_(on_terminal(STDERR_FILENO)), told_at_(log.clock().steady()) {}

RunScreen::~RunScreen() {
  clear();
}

void RunScreen::clear() {
  if (line_shown_) print_err("\r\x1b[K");
  line_shown_ = false;
}

void RunScreen::status_line(const std::string& text) {
  if (quiet_ || !draws()) return;
  winsize size{};
  const std::size_t width =
      ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1 : 79;
  print_err("\r\x1b[K" + clip(text, width));
  line_shown_ = true;
}

void RunScreen::note(const std::string& text) {
  if (quiet_) return;
  clear();
  draws() ? print_err("jobrun: " + text + "\n") : log_.note("info", text);
}

void RunScreen::unit_started(const Run& run, const Unit& unit, int attempt) {
  const int total = run.counts.total();
  status_line(fmt::format("{} {} [{}/{}] {} attempt {}", run.job, run.run_date, ended_, total,
                          printable(unit.unit), attempt));
}

void RunScreen::unit_ended(const Run& run, const Unit& unit, const AttemptEnd& end,
                           const std::vector<std::string>& tail) {
  ++ended_;
  if (quiet_) return;
  const bool bad = end.state != AttemptState::done;
  const bool worse = bad && end.state != AttemptState::interrupted;
  std::string lines;
  if (worse)
    for (const auto& line : tail) lines += "\n  | " + line;
  if (draws()) {
    if (!worse) return;
    clear();
    print_err(fmt::format("{} {}: {} {}: {}{}\n", run.run_date, printable(unit.unit), word_of(end.state),
                          end.reason, end.message, lines));
    return;
  }
  std::string sentence = printable(attempt_name(run.run_id, unit.unit, unit.attempts)) + ": ";
  sentence += word_of(end.state);
  if (bad) sentence += ", " + end.reason + ": " + end.message;
  if (!end.next_action.empty()) sentence += "; next: " + end.next_action;
  LogFields fields = {{"unit", unit.unit},
                      {"attempt", std::to_string(unit.attempts)},
                      {"verdict", std::string(word_of(end.state))},
                      {"reason", end.reason},
                      {"message", end.message},
                      {"dur_ms", std::to_string(end.wall_ms.value_or(0))},
                      {"next_action", end.next_action}};
  if (worse && !tail.empty()) fields.emplace_back("output", join(tail, "\n"));
  log_.write(worse ? "warn" : "info", bad ? "attempt failed" : "attempt done", fields, sentence + lines,
             unit.state == UnitState::done ? unit_is_done_id
             : needs_person(unit.state)    ? unit_needs_person_id
                                           : "");
}

void RunScreen::progress(const Run& run, const Unit& unit, int attempt, const std::string& message,
                         std::optional<double> fraction) {
  const std::string share = fraction ? fmt::format(" {:.0f}%", *fraction * 100) : "";
  if (!draws()) {
    const Span now = log_.clock().steady();
    if (quiet_ || now - told_at_ < progress_every) return;
    told_at_ = now;
    LogFields fields = {{"unit", unit.unit}, {"attempt", std::to_string(attempt)}, {"message", message}};
    if (fraction) fields.emplace_back("fraction", fmt::format("{:.3f}", *fraction));
    return log_.write("info", "progress", fields,
                      fmt::format("{}:{} {}", printable(attempt_name(run.run_id, unit.unit, attempt)), share,
                                  printable(message)));
  }
  status_line(fmt::format("{} {} [{}/{}] {} attempt {}{}: {}", run.job, run.run_date, ended_,
                          run.counts.total(), printable(unit.unit), attempt, share, printable(message)));
}

bool needs_person(Exit exit) {
  return then_of(exit) == Then::person;
}

namespace {

constexpr std::size_t most_units = 20;  // units in the answer's text; `show` has all

std::string unit_line(const UnitOutcome& outcome, bool dry_run) {
  const Unit& unit = outcome.unit;
  if (dry_run) return fmt::format("  {}: {}\n", printable(unit.unit), outcome.note);
  std::string state(outcome.exit == Exit::busy || outcome.exit == Exit::paused ? exit_word(outcome.exit)
                                                                               : word_of(unit.state));
  std::string line = fmt::format("  {}: {}", printable(unit.unit), state);
  if (!unit.reason.empty() && outcome.exit != Exit::paused) line += ", " + unit.reason;
  if (!unit.message.empty() && outcome.exit != Exit::paused) line += ": " + unit.message;
  if (!outcome.note.empty()) line += " (" + printable(outcome.note) + ")";
  line += "\n";
  if (!unit.next_action.empty() && outcome.exit != Exit::busy) line += "    next: " + unit.next_action + "\n";
  return line;
}

}  // namespace

std::string answer_text(const Answer& answer, bool dry_run) {
  std::string text = answer.headline + "\n";
  std::size_t shown = 0, hidden = 0;
  // A lone unit that is done has said everything in the headline.
  for (const auto& outcome : answer.outcomes) {
    if (!dry_run && outcome.exit == Exit::done) continue;
    if (shown < most_units) text += unit_line(outcome, dry_run);
    ++(shown < most_units ? shown : hidden);
  }
  if (hidden > 0)
    text +=
        fmt::format("  ... and {} more: `jobrun show {}`\n", hidden, answer.run ? answer.run->run_id : "RUN");
  return text;
}

Json answer_json(const Answer& answer) {
  Json json = Json::object().set("schema_version", 1);
  json.set("exit", static_cast<int>(answer.exit))
      .set("word", exit_word(answer.exit))
      .set("advice", exit_advice(answer.exit));
  json.set("headline", answer.headline).set("executed", answer.executed);
  const auto of_run = [&](const auto& told) { return answer.run ? Json(told(*answer.run)) : Json(); };
  json.set("job", of_run([](const Run& run) { return run.job; }))
      .set("run_date", of_run([](const Run& run) { return run.run_date; }))
      .set("run_id", of_run([](const Run& run) { return run.run_id; }))
      .set("generation", of_run([](const Run& run) { return run.generation; }))
      .set("state", of_run([](const Run& run) { return word_of(run.state); }));
  Json units = Json::array();
  for (const auto& outcome : answer.outcomes) {
    const Unit& unit = outcome.unit;
    Json one = Json::object()
                   .set("unit", unit.unit)
                   .set("state", word_of(unit.state))
                   .set("word", exit_word(outcome.exit));
    one.set("executed", outcome.executed)
        .set("attempts_made", unit.attempts)
        .set("reason", json_or_null(unit.reason))
        .set("message", json_or_null(unit.message));
    one.set("next_action", json_or_null(unit.next_action))
        .set("next_at", unit.next_at ? Json(format_instant(*unit.next_at)) : Json());
    units.push(std::move(one.set("note", json_or_null(outcome.note))));
  }
  return json.set("units", std::move(units));
}

}  // namespace jobrun
