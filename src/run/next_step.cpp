#include "run/next_step.hpp"

#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

std::string shell_quoted(std::string_view word) {
  if (printable(word) != word) {
    // What a terminal must not see raw: as octal numbers that printf(1) turns back.
    std::string written = "\"$(printf '";
    for (const char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = byte > 0x20 && byte < 0x7f && c != '\'' && c != '\\' && c != '%';
      written += plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
    }
    return written + "')\"";
  }
  static constexpr std::string_view harmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:/@%+=";
  if (!word.empty() && word.find_first_not_of(harmless) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string unit_option(std::string_view unit) {
  if (unit == "-") return {};
  // Behind a blank it would be taken for an option.
  return (unit.starts_with('-') ? " --unit=" : " --unit ") + shell_quoted(unit);
}

std::string retry_command(std::string_view job, std::string_view run_date, std::string_view unit) {
  return fmt::format("jobrun retry {} --run-date {}{}", job, run_date, unit_option(unit));
}

std::string resume_command(std::string_view job, std::string_view unit) {
  return fmt::format("jobrun resume {}{}", job, unit_option(unit));
}

std::string next_step(const Manifest& manifest, const Run& run, const Unit& unit, bool paused) {
  const std::string retry = "`" + retry_command(run.job, run.run_date, unit.unit) + "`";
  const std::string runbook = manifest.runbook.empty() ? "" : " (" + manifest.runbook + ")";
  if (unit.state == UnitState::in_doubt)
    return "find out whether it happened, then `jobrun effects confirm|release`, then " + retry + runbook;
  if (paused)
    return "mend the cause, then `" + resume_command(run.job, unit.unit) + "` and " + retry + runbook;
  return "mend the cause, then " + retry + runbook;
}

std::string next_step(const Pause& pause) {
  return "`" + resume_command(pause.job, pause.unit.value_or("-")) + "`" +
         (pause.until ? "; it ends by itself at " + *pause.until : "");
}

std::string next_step(const AheadOfClock& ahead) {
  return "if the clock is right now, `" + retry_command(ahead.job, ahead.run_date) + "` tries at once";
}

}  // namespace jobrun
