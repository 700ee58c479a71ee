#include "timetable/adoption.hpp"

#include <algorithm>
#include <optional>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/manifest.hpp"
#include "timetable/crontab.hpp"
#include "timetable/schedule_faults.hpp"
#include "timetable/shell_line.hpp"

namespace jobrun {

namespace {

/// What is done, apart from how it is started.
struct Work {
  std::vector<std::string> command;
  std::string workdir;
  std::vector<std::pair<std::string, std::string>> env;
  std::string timeout;
  std::vector<std::string> decide;
};

class Taker {
 public:
  explicit Taker(const Scheduled& entry) : entry_(entry) { work_.workdir = entry.workdir; }

  Work take() {
    for (const auto& [name, value] : entry_.environment) take_variable(name, value);
    auto commands = parse_shell_line(entry_.command);
    const bool moves = commands.size() == 2 && commands[0].words.size() == 2 &&
                       commands[0].words[0] == "cd" && commands[0].words[1].starts_with('/') &&
                       commands[1].before == "&&" && !commands[0].expands;
    const bool plain = (commands.size() == 1 || moves) && !commands.back().expands &&
                       !commands.back().words.empty() && !commands.back().looped &&
                       !entry_.command.ends_with('&') && only_outputs(commands.back());
    if (plain) {
      if (moves) work_.workdir = commands[0].words[1];
      take_plain(std::move(commands.back()));
    } else {
      work_.command = {shell(), "-c", entry_.command};
      say("It is a shell line, and a shell goes on reading it. A script of its own would be easier to read "
          "and to test.");
    }
    const auto percent = entry_.command.find('%');
    if (entry_.scheduler == "systemd" && percent != std::string::npos)
      say(fmt::format("{} is systemd's word: write what it stands for.", entry_.command.substr(percent, 2)));
    if (!entry_.environment_file.empty())
      say(fmt::format(
          "Variables come from {} too: write them under \"env\", or name them in \"pass_env\"; secrets "
          "under \"secrets\".",
          entry_.environment_file));
    for (const std::string_view hides : {"|| true", "|| :", "||true"})
      if (entry_.command.find(hides) != std::string::npos)
        say(fmt::format("`{}` makes every failure a success: take it out, or jobrun never sees one.", hides));
    if (entry_.command.find("date ") != std::string::npos)
      say("It reads the clock: let it take $JOBRUN_RUN_DATE instead, so that a retry after midnight does the "
          "same day.");
    return std::move(work_);
  }

 private:
  void say(std::string sentence) { work_.decide.push_back(std::move(sentence)); }

  std::string shell() const {
    for (auto one = entry_.environment.rbegin(); one != entry_.environment.rend(); ++one)
      if (one->first == "SHELL") return one->second;
    return "/bin/sh";
  }

  void take_variable(const std::string& name, const std::string& value) {
    if (one_of(name, {"MAILTO", "MAILFROM", "SHELL", "HOME", "LOGNAME", "USER", "CRON_TZ", "RANDOM_DELAY"}) ||
        name.starts_with("JOBRUN_"))
      return;
    if (mask_secrets(name + "=x") != name + "=x")
      return say(fmt::format(
          "{} looks like a secret and was left out: put it in a file that only the job's user reads, and "
          "write \"secrets\": {{\"{}\": \"file:PATH\"}}.",
          name, name));
    std::erase_if(work_.env, [&](const auto& one) { return one.first == name; });
    work_.env.emplace_back(name, value);
  }

  static bool only_outputs(const ShellCommand& command) {
    return std::all_of(command.redirected.begin(), command.redirected.end(), [](const std::string& one) {
      return one.find('<') == std::string::npos || one == "</dev/null";
    });
  }

  void take_plain(ShellCommand command) {
    for (const auto& assigned : command.assigned)
      take_variable(assigned.substr(0, assigned.find('=')), assigned.substr(assigned.find('=') + 1));
    for (const auto& redirected : command.redirected) {
      const auto file = redirected.find_last_of(">&") + 1;
      if (redirected.find("/dev/") != std::string::npos || file >= redirected.size() ||
          redirected.ends_with("&1"))
        continue;
      say(fmt::format("Its output went to {}; jobrun keeps it (`jobrun log JOB`), within limits.",
                      redirected.substr(file)));
    }
    auto& words = command.words;
    while (words.size() > 1 && drop_wrapper(words)) {
    }
    if (words.front().find('/') != std::string::npos && !words.front().starts_with('/')) {
      std::string_view relative = words.front();
      if (relative.starts_with("./")) relative.remove_prefix(2);
      words.front() =
          (work_.workdir.empty() ? "" : work_.workdir + (work_.workdir.ends_with('/') ? "" : "/")) +
          std::string(relative);
    }
    work_.command = std::move(words);
  }

  /// What jobrun does by itself. False where nothing was dropped.
  bool drop_wrapper(std::vector<std::string>& words) {
    const std::string program(path_name(words[0]));
    std::size_t next = 1;
    const auto skip_options = [&](std::string_view with_value) {
      while (next < words.size() && words[next].starts_with('-')) {
        const bool takes =
            words[next].size() == 2 && with_value.find(words[next][1]) != std::string_view::npos;
        next += takes ? 2 : 1;
      }
    };
    if (program == "flock") {
      skip_options("wEo");
      ++next;  // the lock's file
      if (next < words.size() && words[next] == "-c") return false;
    } else if (program == "timeout") {
      skip_options("ks");
      if (next >= words.size()) return false;
      const std::string& limit = words[next++];
      const bool bare = limit.find_first_not_of("0123456789") == std::string::npos;
      const std::string said = bare ? limit + "s" : limit;
      if (!parse_duration(said)) return false;
      work_.timeout = said;
    } else if (!one_of(program, {"chronic", "cronic"})) {
      return false;
    }
    if (next >= words.size()) return false;
    if (program == "flock") say("flock was left out: jobrun never starts a unit beside itself.");
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(next));
    return true;
  }

  const Scheduled& entry_;
  Work work_;
};

/// The program, or the script that an interpreter is given.
std::string name_of(const Scheduled& entry) {
  std::string found = entry.name.substr(0, entry.name.rfind('.'));
  for (const auto& command : parse_shell_line(entry.command)) {
    if (!found.empty()) break;
    for (const auto& word : command.words) {
      const std::string_view base = path_name(word);
      const bool is_interpreter =
          base.starts_with("python") ||
          one_of(base, {"sh", "bash", "dash", "perl", "ruby", "node", "php", "env", "nice", "ionice", "sudo",
                        "timeout", "flock", "chronic", "nohup", "exec"});
      if (command.words.size() == 1 ||
          (!is_interpreter && !word.starts_with('-') && !word.ends_with(".lock") &&
           word.find_first_not_of("0123456789smhd") != std::string::npos)) {
        if (!one_of(base, {"cd", "test", "[", "true", "set", "export", "."}))
          found = base.substr(0, base.rfind('.'));
        break;
      }
    }
  }
  std::string name;
  for (const char small : lower_case(found)) {
    const bool good = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small == '_' ||
                      small == '-' || small == '.';
    name += good ? small : '_';
  }
  while (!name.empty() && one_of(std::string_view(name).substr(0, 1), {"_", "-", "."})) name.erase(0, 1);
  return clip(name, 60);
}

std::string owner_of(const Scheduled& entry) {
  std::string mail;
  for (const auto& [name, value] : entry.environment)
    if (name == "MAILTO") mail = value;
  return mail;
}

/// One member of the manifest on a line, with a comment behind it.
class Lines {
 public:
  void add(std::string_view key, const Json& value, std::string_view comment = {}) {
    add_text(key, value.dump(), comment);
  }
  void add_text(std::string_view key, const std::string& value, std::string_view comment = {}) {
    lines_.push_back({fmt::format("  {}: {}", Json(key).dump(), value), std::string(comment)});
  }
  std::string text() const {
    std::string text = "{\n";
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const auto& [line, comment] = lines_[i];
      text += line + (i + 1 < lines_.size() ? "," : "") + (comment.empty() ? "" : "  // " + comment) + "\n";
    }
    return text + "}\n";
  }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

void add_times(const Scheduled& entry, Lines& lines) {
  std::optional<Span> shortest = entry.interval, longest = entry.interval;
  if (entry.times.size() == 1) {
    shortest = entry.times[0].shortest_distance();
    longest = entry.times[0].longest_distance();
  }
  if (!entry.zone.empty())
    lines.add("timezone", entry.zone, "whose clocks start it, and whose date a run has");
  if (shortest && longest == shortest) lines.add("period", format_duration(*shortest));
  if (shortest && longest != shortest)
    lines.add("fresh_within", format_duration(std::chrono::ceil<std::chrono::hours>(*longest * 5 / 4)),
              "the longest pause, and some time");
  const RetryPolicy usual;
  const bool often = shortest && *shortest < usual.window;  // a window is never longer than a period
  lines.add_text("retry",
                 fmt::format("{{\"max_attempts\": 1{}}}",
                             often ? fmt::format(", \"window\": \"{}\"", format_duration(*shortest)) : ""),
                 "once, as until now; more when a second run does no harm");
}

std::string manifest_text(const Scheduled& entry, const Work& work, const std::string& owner) {
  Lines lines;
  lines.add("description", "from " + entry.label() + ": " + entry.when, "what is it for?");
  lines.add("owner", owner.empty() ? "nobody yet" : owner, "who is asked at 2 a.m.?");
  std::vector<std::string> command;
  for (const auto& word : work.command) command.push_back(Json(word).dump());
  lines.add_text("command", "[" + join(command, ", ") + "]", "an argument list; no shell reads it");
  if (!work.workdir.empty()) lines.add("workdir", work.workdir);
  std::vector<std::string> env;
  for (const auto& [name, value] : work.env) env.push_back(Json(name).dump() + ": " + Json(value).dump());
  if (!env.empty()) lines.add_text("env", "{" + join(env, ", ") + "}");
  add_times(entry, lines);
  lines.add("timeout", work.timeout.empty() ? "1h" : work.timeout,
            work.timeout.empty() ? "it had none: how long may it take?" : "as until now");
  return lines.text();
}

}  // namespace

Result<Adoption> adopt(const Scheduled& entry, const std::string& name) {
  if (!entry.calls.empty())
    return usage_error(entry.label() + " calls jobrun already",
                       "`jobrun inventory --lint` tells what is wrong with it");
  if (entry.command.empty()) return usage_error(entry.label() + " has no command");
  Adoption adoption;
  adoption.job = name.empty() ? name_of(entry) : name;
  if (auto named = check_job_name(adoption.job); !named)
    return usage_error(named.error().what(), "give it one with --as NAME");
  Work work = Taker(entry).take();
  const std::string owner = owner_of(entry);
  adoption.manifest = manifest_text(entry, work, owner);
  adoption.run_date = fitting_run_date(entry.times);

  auto& decide = adoption.decide;
  if (owner.empty()) decide.emplace_back("Who owns it? \"owner\" is whom a person asks who was woken by it.");
  if (work.timeout.empty()) decide.emplace_back("How long may it take? It had no limit, and has 1h now.");
  decide.push_back(
      fmt::format("May it be tried again? A crash may leave it half done: `jobrun preflight {} --run-date "
                  "today --chaos` shows "
                  "whether a second run does harm. Then raise \"max_attempts\".",
                  adoption.job));
  decide.emplace_back(
      "Does it go through customers, accounts or regions? As \"units\" each has its own attempts, and one "
      "that "
      "fails does not stop the others.");
  if (adoption.run_date.empty()) {
    adoption.run_date = "today";
    decide.emplace_back(
        "Which date is a run for? When it starts can't be told, so the new line says `today`.");
  } else {
    decide.push_back(fmt::format(
        "Which date is a run for? {} is that of its start; the job reads it from $JOBRUN_RUN_DATE.",
        adoption.run_date));
  }
  if (!entry.user.empty())
    decide.push_back(
        fmt::format("As whom? It runs as {}: the ledger and the jobs directory have to be that user's "
                    "(`jobrun doctor`, called as {}, tells).",
                    entry.user, entry.user));
  if (entry.scheduler == "cron") {
    if (entry.path == crons_own_path)
      decide.push_back(fmt::format(
          "Is jobrun in {}, which is cron's own PATH? Else write PATH=/usr/local/bin:/usr/bin:/bin at "
          "the head of the crontab.",
          crons_own_path));
    decide.emplace_back(
        "Who brings on what waits? One line for all jobs, unless it is there: */5 * * * * jobrun tick "
        "--quiet");
  }
  for (auto& sentence : work.decide) decide.push_back(std::move(sentence));
  if (mask_secrets(entry.command) != entry.command)
    decide.emplace_back(
        "The command has a secret among its words, which every user of the machine can see while it runs: "
        "pass it by "
        "\"secrets\".");
  if (auto sound = parse_manifest(adoption.job, adoption.job + ".json", adoption.manifest); !sound)
    return usage_error("no manifest can be made of it: " + sound.error().what());
  return adoption;
}

}  // namespace jobrun
