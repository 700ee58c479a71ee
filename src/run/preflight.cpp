#include "run/preflight.hpp"

#include <algorithm>

#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/history.hpp"
#include "run/preflight_ground.hpp"

namespace jobrun {

namespace {

constexpr int most_calls = 12;  // of one recovery: each has a reason of its own, so few are needed

/// What a round left behind.
struct State {
  JobPicture picture;
  std::string outside;
};

class Preflight {
 public:
  Preflight(World& world, const PreflightRequest& request)
      : world_(world), request_(request), ground_(request, world.environment) {}

  Result<PreflightReport> run() {
    auto before = find_run(world_.ledger, request_.job, request_.run_date);
    if (!before) return before.error();
    if (*before)
      return usage_error(
          fmt::format("preflight: {} has a run for {} already", request_.job, request_.run_date),
          "name a date that it was never run for");
    if (auto opened = ground_.open(world_.ledger); !opened) return opened.error();
    auto first = twice();
    if (!first) return first.error();
    if (report_.holds() && request_.chaos) {
      if (auto done = chaos(*first); !done) return done.error();
    }
    return std::move(report_);
  }

 private:
  std::vector<std::string> main_call() const {
    std::vector<std::string> words = {request_.job, "--run-date", request_.run_date, "--log-format=text"};
    words.insert(words.end(), request_.words.begin(), request_.words.end());
    return words;
  }

  Result<State> look() {
    auto ledger = Ledger::open(ground_.ledger(), Ledger::Purpose::look);
    if (!ledger) return ledger.error();
    auto picture = picture_of(*ledger, request_.job);
    if (!picture) return picture.error();
    State state{std::move(*picture), {}};
    if (request_.probe.empty()) return state;
    auto seen = ground_.shell(request_.probe);
    if (!seen) return seen.error();
    if (seen->end.exit_code != 0)
      return usage_error("--probe: the command failed: " + printable(clip(seen->output, 300)));
    state.outside = std::move(seen->output);
    return state;
  }

  void note(std::string what, std::string fault, int calls = 1, bool in_doubt = false) {
    report_.checks.push_back({std::move(what), std::move(fault), calls, in_doubt});
    const auto& check = report_.checks.back();
    if (!check.fault.empty()) world_.observer.note(check.what + ": " + check.fault);
  }

  /// How a call of the job ended, in one line: what jobrun said, and the last lines of what the job said.
  std::string end_of(const ActEnd& ended) {
    std::string line = ground_.logged("jobrun: ");
    if (line.empty()) {
      std::vector<std::string> told;
      for (const std::string_view one : split(trim(ended.output), '\n'))
        if (!trim(one).starts_with("next:"))
          told.emplace_back(trim(one));  // for the private ledger, soon gone
      line = clip(printable(join(told, "; ")), 300);
    }
    if (const auto log = ground_.call({"log", request_.job + ":" + request_.run_date}); log) {
      std::vector<std::string> said;
      for (const std::string_view one : split(trim(log->output), '\n'))
        if (!one.starts_with("==>") && !trim(one).empty()) said.emplace_back(printable(trim(one)));
      if (said.size() > 3) said.erase(said.begin(), said.end() - 3);
      if (!said.empty()) line += "; the job said: " + clip(join(said, " / "), 300);
    }
    return (ended.end.signal ? "killed by " + signal_name(*ended.end.signal)
                             : "exit " + std::to_string(ended.end.exit_code.value_or(-1))) +
           (line.empty() ? "" : ": " + line);
  }

  /// The first run, and the same once more; answers what is right to be left behind.
  Result<State> twice() {
    if (auto reset = ground_.reset(); !reset) return reset.error();
    auto first = ground_.call(main_call());
    if (!first) return first.error();
    note("the first run", first->end.exit_code == 0 ? "" : end_of(*first));
    if (!report_.holds()) return State{};
    auto after_first = look();
    if (!after_first) return after_first;
    std::vector<std::string> again = {"replay", request_.job + ":" + request_.run_date, "--promote",
                                      "--log-format=text"};
    for (const auto& word : request_.words)
      if (word.starts_with("--unit=")) again.push_back(word);
    auto second = ground_.call(again);
    if (!second) return second.error();
    auto after_second = look();
    if (!after_second) return after_second;
    note("the second run ends done", second->end.exit_code == 0 ? "" : end_of(*second));
    note("the second run creates no effect",
         difference("effects", after_first->picture.effects, after_second->picture.effects));
    note("the second run moves no cursor",
         difference("cursors", after_first->picture.cursors, after_second->picture.cursors));
    if (!request_.probe.empty())
      note("the second run changes nothing outside",
           after_first->outside == after_second->outside ? "" : outside_fault(*after_first, *after_second));
    return after_first;
  }

  Result<void> chaos(const State& right) {
    for (int point = 1; point <= request_.most_points; ++point) {
      if (auto reset = ground_.reset(); !reset) return reset;
      auto ended = ground_.call(main_call(), point);
      if (!ended) return ended.error();
      if (ended->end.exit_code != 128 + 9 && ended->end.signal != 9)
        return {};  // it got past its last boundary
      ++report_.points;
      const std::string where = ground_.logged("jobrun: preflight: ");
      if (auto done = recover("point " + std::to_string(point) + ", " + where, right); !done) return done;
    }
    note("the number of points",
         fmt::format("more than {}: the rest was not looked at", request_.most_points));
    return {};
  }

  Result<void> recover(std::string what, const State& right) {
    int calls = 0;
    Result<ActEnd> ended = ActEnd{};
    auto words = main_call();
    words.emplace_back("--wait=5m");
    while (calls < most_calls) {
      ended = ground_.call(words);
      if (!ended) return ended.error();
      ++calls;
      if (ended->end.exit_code != 75 && ended->end.exit_code != 83) break;
    }
    auto state = look();
    if (!state) return state.error();
    if (ended->end.exit_code == 82) {  // told, and left to a person: nothing was guessed away
      note(std::move(what), state->picture.in_doubt.empty() ? "in doubt, and no effect is listed so" : "",
           calls, true);
      return {};
    }
    std::string fault;
    if (ended->end.exit_code != 0) fault = end_of(*ended);
    if (fault.empty()) fault = difference("effects", right.picture.effects, state->picture.effects);
    if (fault.empty()) fault = difference("cursors", right.picture.cursors, state->picture.cursors);
    if (fault.empty()) fault = difference("items", right.picture.items, state->picture.items);
    if (fault.empty() && right.outside != state->outside) fault = outside_fault(right, *state);
    note(std::move(what), std::move(fault), calls);
    return {};
  }

  static std::string difference(std::string_view what, const std::vector<std::string>& right,
                                const std::vector<std::string>& found) {
    std::vector<std::string> missing, more;
    std::set_difference(right.begin(), right.end(), found.begin(), found.end(), std::back_inserter(missing));
    std::set_difference(found.begin(), found.end(), right.begin(), right.end(), std::back_inserter(more));
    if (missing.empty() && more.empty()) return {};
    const auto few = [](std::vector<std::string>& all) {
      if (all.size() > 3) all.resize(3);
      return printable(join(all, ", "));
    };
    return fmt::format("{} differ:{}{}", what, missing.empty() ? "" : " missing " + few(missing),
                       more.empty() ? "" : " new " + few(more));
  }

  static std::string outside_fault(const State& right, const State& found) {
    const auto expected = split(right.outside, '\n'), seen = split(found.outside, '\n');
    for (std::size_t i = 0; i < std::max(expected.size(), seen.size()); ++i) {
      const std::string_view one = i < expected.size() ? expected[i] : "(nothing)",
                             other = i < seen.size() ? seen[i] : "(nothing)";
      if (one != other)
        return fmt::format("outside differs, line {}: \"{}\", right would be \"{}\"", i + 1,
                           printable(clip(other, 120)), printable(clip(one, 120)));
    }
    return "outside differs";
  }

  World& world_;
  const PreflightRequest& request_;
  PreflightGround ground_;
  PreflightReport report_;
};

}  // namespace

bool PreflightReport::holds() const {
  return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.fault.empty(); });
}

Result<PreflightReport> preflight(World& world, const PreflightRequest& request) {
  return Preflight(world, request).run();
}

}  // namespace jobrun
