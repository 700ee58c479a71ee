#include "contract/verdict.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/text.hpp"

namespace jobrun {
namespace {

// signal(7), Linux, without the real-time ones and the synonyms (SIGIOT, SIGPOLL, SIGCLD).
constexpr std::array<std::pair<int, std::string_view>, 31> signals = {{
    {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},       {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
    {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},     {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},     {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
    {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"},     {SIGTERM, "SIGTERM"}, {SIGSTKFLT, "SIGSTKFLT"},
    {SIGCHLD, "SIGCHLD"}, {SIGCONT, "SIGCONT"},     {SIGSTOP, "SIGSTOP"}, {SIGTSTP, "SIGTSTP"},
    {SIGTTIN, "SIGTTIN"}, {SIGTTOU, "SIGTTOU"},     {SIGURG, "SIGURG"},   {SIGXCPU, "SIGXCPU"},
    {SIGXFSZ, "SIGXFSZ"}, {SIGVTALRM, "SIGVTALRM"}, {SIGPROF, "SIGPROF"}, {SIGWINCH, "SIGWINCH"},
    {SIGIO, "SIGIO"},     {SIGPWR, "SIGPWR"},       {SIGSYS, "SIGSYS"},
}};

constexpr std::array verdict_kinds = {VerdictKind::done, VerdictKind::retry, VerdictKind::stop};

// "killed_sigkill", "killed_signal_34": within the alphabet of reason codes.
std::string killed_reason(int number) {
  std::string reason = "killed_" + signal_name(number);
  for (char& c : reason) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ') c = '_';
  }
  return reason;
}

std::string killed_message(int number) {
  // The kernel's out-of-memory killer sends SIGKILL and leaves no other word to the parent.
  return "killed by " + signal_name(number) + (number == SIGKILL ? " (by a person, or out of memory)" : "");
}

Verdict by_exit(int code) {
  const std::string exited = "exited with " + std::to_string(code);
  if (code == 0) return Verdict::done(exited);
  const std::string reason = "exit_" + std::to_string(code);
  if (code == 75) return Verdict::retry(reason, exited + ", which asks to try again");
  if (code == 124)
    return Verdict::retry("timed_out", exited + ", as timeout(1) does for a command that took too long");
  if (code == 126)
    return Verdict::stop("not_executable", exited + ": a command was found but can't be executed");
  if (code == 127) return Verdict::stop("not_found", exited + ": a command was not found");
  if ((code >= 64 && code <= 78) || code == 80) return Verdict::stop(reason, exited);  // 75: above
  return Verdict::retry(reason, exited);
}

Verdict by_default(const ChildEnd& end) {
  if (end.signal) return Verdict::retry(killed_reason(*end.signal), killed_message(*end.signal));
  if (end.exit_code) return by_exit(*end.exit_code);
  return Verdict::retry("end_unknown", "ended in a way that could not be seen");
}

bool matches(const OutcomeRule& rule, const ChildEnd& end) {
  if (end.signal) {
    return std::find(rule.signals.begin(), rule.signals.end(), *end.signal) != rule.signals.end();
  }
  return end.exit_code &&
         std::any_of(rule.exits.begin(), rule.exits.end(), [&](const OutcomeRule::Range& range) {
           return *end.exit_code >= range.first && *end.exit_code <= range.last;
         });
}

Verdict by_rule(const OutcomeRule& rule, const ChildEnd& end) {
  Verdict verdict = rule.verdict;
  const Verdict otherwise = by_default(end);
  if (verdict.message.empty()) verdict.message = otherwise.message;
  if (verdict.reason.empty()) {
    if (verdict.kind == VerdictKind::done) {
      verdict.reason = "ok";
    } else {
      verdict.reason = end.signal ? otherwise.reason : "exit_" + std::to_string(end.exit_code.value_or(0));
    }
  }
  return verdict;
}

}  // namespace

std::string_view word_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::done:
      return "done";
    case VerdictKind::retry:
      return "retry";
    case VerdictKind::stop:
      return "stop";
  }
  std::abort();
}

std::optional<VerdictKind> verdict_kind(std::string_view word) {
  for (const VerdictKind kind : verdict_kinds) {
    if (word_of(kind) == word) return kind;
  }
  return {};
}

Verdict Verdict::done(std::string message) {
  return Verdict{VerdictKind::done, "ok", std::move(message), false, {}};
}

Verdict Verdict::retry(std::string reason, std::string message, std::optional<Span> retry_after) {
  return Verdict{VerdictKind::retry, std::move(reason), std::move(message), false, retry_after};
}

Verdict Verdict::stop(std::string reason, std::string message, bool pause) {
  return Verdict{VerdictKind::stop, std::move(reason), std::move(message), pause, {}};
}

bool is_reason(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '.';
  });
}

Verdict classify(const ChildEnd& end, const std::vector<OutcomeRule>& rules, Span timeout) {
  if (end.not_found) return Verdict::stop("not_found", "the command was not found");
  if (end.not_executable) return Verdict::stop("not_executable", "the command can't be executed");
  // What a child says on its way out after our own TERM or KILL is no statement about its work, so the rules
  // are not asked: {"exit": 1, "verdict": "stop"} must not stop a job because the machine went down.
  if (end.timed_out) {
    return Verdict::retry("timed_out", "ended by jobrun after the time-out of " + format_duration(timeout));
  }
  if (end.interrupted) {
    if (end.exit_code == 0) return Verdict::done("finished although jobrun was asked to stop");
    return Verdict::retry("interrupted", "ended because jobrun was asked to stop");
  }
  for (const OutcomeRule& rule : rules) {
    if (matches(rule, end)) return by_rule(rule, end);
  }
  return by_default(end);
}

Verdict reconcile(const Verdict& said, const Verdict& ended) {
  Verdict verdict = said.kind >= ended.kind ? said : ended;  // declared in the order of weight
  if (said.kind == ended.kind) {
    verdict.pause = said.pause || ended.pause;
    verdict.retry_after = std::max(said.retry_after, ended.retry_after);  // nothing is less than any wait
    if (verdict.message.empty()) verdict.message = ended.message;
    return verdict;
  }
  // Having said what it had to, a script ends with 0: that contradicts nothing.
  if (ended.kind == VerdictKind::done) return verdict;
  const bool said_wins = said.kind > ended.kind;
  const Verdict& loser = said_wins ? ended : said;
  std::string& message = verdict.message;
  if (!message.empty()) message += "; ";
  message += said_wins ? "against that, it ended as " : "against that, the job had said ";
  message += word_of(loser.kind);
  if (!loser.message.empty()) message += " (" + loser.message + ")";
  return verdict;
}

std::string signal_name(int number) {
  for (const auto& [signal, name] : signals) {
    if (signal == number) return std::string(name);
  }
  return "signal " + std::to_string(number);
}

std::optional<int> signal_number(std::string_view name) {
  for (const auto& [signal, word] : signals) {
    if (word == name) return signal;
  }
  return {};
}

}  // namespace jobrun
