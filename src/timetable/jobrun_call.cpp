#include "timetable/jobrun_call.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "timetable/shell_line.hpp"

namespace jobrun {

namespace {

constexpr int deepest = 4;  // sh -c in sh -c

/// Programs whose words end in another command.
bool passes_on(std::string_view program) {
  return one_of(program, {"env",     "nice",    "ionice",      "nohup", "exec",    "chronic", "cronic",
                          "timeout", "flock",   "sudo",        "doas",  "runuser", "setsid",  "systemd-cat",
                          "command", "stdbuf",  "systemd-run", "chrt",  "unshare", "su",      "setpriv",
                          "gosu",    "busybox", "dumb-init",   "tini",  "time",    "taskset"});
}

bool is_shell(std::string_view program) {
  return one_of(program, {"sh", "bash", "dash", "zsh", "ksh", "ash"});
}

JobrunCall read_call(std::vector<std::string>::const_iterator word,
                     std::vector<std::string>::const_iterator end) {
  JobrunCall call;
  call.program = *word++;
  std::vector<std::string> plain;
  for (; word != end && *word != "--"; ++word) {
    if (!word->starts_with("--")) {
      plain.push_back(*word);
      continue;
    }
    const auto equals = word->find('=');
    const std::string name = word->substr(0, equals);
    if (name == "--wait") call.waits = true;
    if (name == "--only-retry") call.only_retry = true;
    if (!one_of(name, {"--run-date",     "--tz",       "--unit",     "--jobs",   "--ledger",   "--run-id",
                       "--scheduled-at", "--payload",  "--parallel", "--reason", "--exit-map", "--log-format",
                       "--now",          "--from",     "--to",       "--step",   "--until",    "--last",
                       "--max-age",      "--textfile", "--html"}))
      continue;
    std::string value;
    if (equals != std::string::npos)
      value = word->substr(equals + 1);
    else if (word + 1 != end)
      value = *++word;
    if (name == "--run-date") call.has_run_date = true;
    if (name == "--run-date") call.run_date = value;
    if (name == "--tz") call.tz = value;
    if (name == "--jobs") call.jobs = value;
    if (name == "--unit") call.units.push_back(value);
  }
  if (plain.empty()) return call;
  const auto& verbs = reserved_words();
  const bool is_verb = std::find(verbs.begin(), verbs.end(), plain.front()) != verbs.end();
  call.verb = is_verb ? plain.front() : "run";
  if (!is_verb) call.job = plain.front();
  if (one_of(call.verb, {"run", "retry", "backfill", "preflight", "pause", "resume"}) && is_verb &&
      plain.size() > 1)
    call.job = plain[1];
  return call;
}

void search(const std::vector<std::string>& words, int depth, bool looped, std::vector<JobrunCall>& calls);

void search_line(std::string_view line, int depth, bool looped, std::vector<JobrunCall>& calls) {
  if (depth == 0) return;
  for (const auto& command : parse_shell_line(line))
    search(command.words, depth, looped || command.looped, calls);
}

void search(const std::vector<std::string>& words, int depth, bool looped, std::vector<JobrunCall>& calls) {
  bool passed_on = false;
  for (auto word = words.begin(); word != words.end(); ++word) {
    const std::string_view program = path_name(*word);
    if (passed_on && one_of(*word, {"-u", "-g", "--user"}) && word + 1 != words.end()) {
      ++word;  // a user may be called jobrun
      continue;
    }
    if (program == "jobrun") {
      calls.push_back(read_call(word, words.end()));
      calls.back().looped = looped;
      return;
    }
    if (is_shell(program) || (passed_on && program == "-c") || program == "su") {
      const auto flag = std::find_if(word, words.end(), [](const std::string& one) {
        return one.size() >= 2 && one[0] == '-' && one[1] != '-' && one.back() == 'c';
      });
      if (flag != words.end() && flag + 1 != words.end())
        return search_line(*(flag + 1), depth - 1, looped, calls);
      if (is_shell(program)) return;
    }
    passed_on = passed_on || passes_on(program);
    if (!passed_on) return;
  }
}

}  // namespace

std::vector<JobrunCall> jobrun_calls(std::string_view shell_line) {
  std::vector<JobrunCall> calls;
  search_line(shell_line, deepest, false, calls);
  return calls;
}

std::vector<JobrunCall> jobrun_calls(const std::vector<std::string>& words) {
  std::vector<JobrunCall> calls;
  search(words, deepest, false, calls);
  return calls;
}

}  // namespace jobrun
