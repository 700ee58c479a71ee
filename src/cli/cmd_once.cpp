// jobrun once KEY -- COMMAND: a side effect that is done once, from inside a job or by a person's hand.
//
// The intent is stored, then the command runs, then its end is stored; which of the three was the last that
// is known decides what a later call does (contract 2.8).
#include <unistd.h>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/inside.hpp"
#include "cli/once_words.hpp"
#include "cli/screen.hpp"
#include "handler/act.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

/// The command's own exit code: `once` stands for it where it did run.
Exit passed_on(const ChildEnd& end) {
  return static_cast<Exit>(end.exit_code.value_or(128 + end.signal.value_or(0)));
}

std::string ended_how(const ChildEnd& end) {
  if (end.timed_out) return "took too long and was ended";
  if (end.signal) return "was killed by " + signal_name(*end.signal);
  return "exited with " + std::to_string(end.exit_code.value_or(0));
}

class Once {
 public:
  Once(const Session& session, OnceWords words, EffectDesk desk)
      : session_(session), words_(std::move(words)), desk_(std::move(desk)) {}

  Result<Exit> run() {
    auto intent = desk_.ask(words_.request);
    if (!intent && intent.error().fault() == Fault::conflict) return conflict(intent.error());
    if (!intent) return intent.error();
    const std::string& state = intent->at("state").as_string();
    if (state == "confirmed") return answer_script(intent->at("result").as_string());
    if (state == "in_doubt") return in_doubt(intent->at("message").as_string());
    token_ = intent->at("token").as_string();
    return state == "probe" ? probe() : act_now();
  }

 private:
  Result<ActEnd> act_on(std::vector<std::string> argv, int output) const {
    ActSpec spec;
    spec.argv = std::move(argv);
    spec.environment = session_.environment;
    spec.environment.emplace_back("JOBRUN_IDEMPOTENCY_KEY", token_);
    spec.environment.emplace_back("JOBRUN_EFFECT_KEY", words_.request.key);
    spec.timeout = words_.timeout;
    spec.lease = desk_.lease();
    spec.output = output;
    return act(spec);
  }

  Result<void> tell(ChannelOp op, const std::string& result = {}) {
    ChannelRequest request = words_.request;
    request.op = op;
    request.result = result;
    auto told = desk_.ask(request);
    if (!told)
      return told.error().during("effect " + printable(request.key) + ": " + std::string(word_of(op)));
    return {};
  }

  Result<Exit> act_now() {
    auto ended = act_on(words_.command, STDOUT_FILENO);
    if (!ended) {
      if (auto released = tell(ChannelOp::release); !released) return released.error();
      return ended.error();
    }
    if (ended->dropped > 0)
      print_err(fmt::format("jobrun: effect {}: {} bytes of output are not kept for later calls\n",
                            printable(words_.request.key), ended->dropped));
    const ChildEnd& end = ended->end;
    if (end.exit_code == 0 && !end.timed_out) {
      if (auto stored = tell(ChannelOp::confirm, ended->output); !stored) return stored.error();
      return Exit::done;
    }
    if (end.signal || end.timed_out || words_.is_doubtful(end.exit_code.value_or(0))) return open_end(end);
    if (auto released = tell(ChannelOp::release); !released) return released.error();
    return passed_on(end);
  }

  /// Nobody knows whether it happened: what comes next is the policy's to say.
  Result<Exit> open_end(const ChildEnd& end) {
    if (auto told = tell(ChannelOp::doubt); !told) return told.error();
    const std::string what =
        fmt::format("effect {}: {} {}: it may have happened", printable(words_.request.key),
                    printable(words_.command.front()), ended_how(end));
    if (words_.request.policy == IfInDoubt::stop) return in_doubt(what);
    print_err("jobrun: " + what + "; the next call " +
              (words_.request.policy == IfInDoubt::probe ? "asks the probe\n"
                                                         : "sends it again with the same token\n"));
    return Exit::retry;
  }

  Result<Exit> probe() {
    auto asked = act_on({"/bin/sh", "-c", words_.probe}, -1);
    if (!asked) return asked.error();
    const ChildEnd& end = asked->end;
    if (end.exit_code == 0 && !end.timed_out) {
      if (auto stored = tell(ChannelOp::confirm, asked->output); !stored) return stored.error();
      return answer_script(asked->output);
    }
    if (end.exit_code == 1 && !end.timed_out) return act_now();
    if (auto told = tell(ChannelOp::doubt); !told) return told.error();
    print_err(fmt::format("jobrun: effect {} may have happened, and the probe can't tell: it {}\n",
                          printable(words_.request.key), ended_how(end)));
    return Exit::retry;
  }

  Result<Exit> in_doubt(const std::string& what) const {
    print_error(usage_error(
        what, fmt::format("find out, then `jobrun effects confirm|release {} --job {} --reason TEXT`",
                          shell_quoted(words_.request.key), words_.scope)));
    return Exit::in_doubt;
  }

  /// The attempt must stop even where the script goes on: trying again changes nothing.
  Result<Exit> conflict(const Error& error) {
    if (is_inside(session_)) {
      ChannelRequest result;
      result.op = ChannelOp::result;
      result.verdict = Verdict::stop("effect_conflict", error.what());
      (void)desk_.ask(result);
    }
    return error;
  }

  const Session& session_;
  OnceWords words_;
  EffectDesk desk_;
  std::string token_;
};

}  // namespace

Result<Exit> cmd_once(const Session& session) {
  auto words = once_words(session);
  if (!words) return words.error();
  auto desk = EffectDesk::open(session, *words);
  if (!desk) return desk.error();
  return Once(session, std::move(*words), std::move(*desk)).run();
}

}  // namespace jobrun
