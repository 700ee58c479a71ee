#include "cli/commands.hpp"

#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/complete.hpp"
#include "cli/screen.hpp"
#include "contract/envelope.hpp"
#include "handler/stop_signals.hpp"

namespace jobrun {

namespace {

struct Command {
  std::string_view verb;
  Result<Exit> (*run)(const Session&);
};

constexpr Command commands[] = {{"run", cmd_run},
                                {"tick", cmd_tick},
                                {"retry", cmd_retry},
                                {"pause", cmd_pause},
                                {"resume", cmd_resume},
                                {"effects", cmd_effects},
                                {"status", cmd_status},
                                {"show", cmd_show},
                                {"log", cmd_log},
                                {"history", cmd_history},
                                {"jobs", cmd_jobs},
                                {"check", cmd_check},
                                {"metrics", cmd_metrics},
                                {"doctor", cmd_doctor},
                                {"init", cmd_init},
                                {"once", cmd_once},
                                {"checkpoint", cmd_checkpoint},
                                {"cursor", cmd_cursor},
                                {"item", cmd_item},
                                {"result", cmd_result},
                                {"progress", cmd_progress},
                                {"replay", cmd_replay},
                                {"backfill", cmd_backfill},
                                {"preflight", cmd_preflight},
                                {"report", cmd_report},
                                {"prune", cmd_prune},
                                {"ledger", cmd_ledger},
                                {"completion", cmd_completion},
                                {"inventory", cmd_inventory},
                                {"emit", cmd_emit}};

/// It brings runs on, and logs.
bool is_of_runs(const VerbSpec& verb) {
  return std::any_of(verb.options.begin(), verb.options.end(),
                     [](const OptionSpec& option) { return option.name == "--log-format"; });
}

/// `check` answers a monitor in its own way, whatever went wrong and when.
int fail(const std::vector<std::string>& argv, const Error& error) {
  if (!argv.empty() && argv[0] == "check")
    return static_cast<int>(
        check_unknown(error, std::find(argv.begin(), argv.end(), "--json") != argv.end()));
  print_error(error);
  return static_cast<int>(exit_for(error.fault()));
}

}  // namespace

Result<Ledger*> Session::open(Ledger::Purpose purpose) const {
  static std::unique_ptr<Ledger> opened;
  auto ledger = Ledger::open(places.ledger, purpose);
  if (!ledger) return ledger.error();
  opened = std::make_unique<Ledger>(std::move(*ledger));
  return opened.get();
}

void Session::choose_log_form() const {
  if (args.has("--log-format")) return;
  const auto said = config();  // a fault in it is told where the configuration is needed
  if (!said || said->log_format.empty() || said->log_format == "auto") return;
  if (const auto form = log_form(said->log_format, environment)) log.choose(*form);
}

Call Session::call(const std::string& run_id, const std::string& caller) const {
  Call call;
  const Caller told = detect_caller(environment, ::isatty(STDIN_FILENO) == 1);
  call.run_id = run_id;
  call.caller = caller.empty() ? told.kind : caller;
  call.caller_id = caller.empty() ? told.id : "";
  utsname names{};
  ::uname(&names);
  call.host = names.nodename;
  call.pid = ::getpid();
  if (auto boot = read_file("/proc/sys/kernel/random/boot_id", 64); boot) call.boot_id = trim(*boot);
  return call;
}

int run_commands(const std::vector<std::string>& argv, const Environment& environment) {
  if (!argv.empty() && argv[0] == complete_verb) return complete({argv.begin() + 1, argv.end()}, environment);
  auto args = parse_args(argv);
  if (!args) return fail(argv, args.error());
  if (args->wants_version) {
    print_out(fmt::format("jobrun {}\n", JOBRUN_VERSION));
    return 0;
  }
  if (args->wants_help) {
    print_out(args->verb() != nullptr ? help_text(*args->verb()) : help_overview());
    return 0;
  }
  ExitMap map;
  if (args->has("--exit-map")) {
    auto parsed = ExitMap::parse(args->value("--exit-map"));
    if (!parsed) return fail(argv, parsed.error());
    map = std::move(*parsed);
  }
  std::optional<Instant> now;
  if (args->has("--now")) {
    auto at = parse_instant(args->value("--now"));
    if (!at) return fail(argv, at.error().during("--now"));
    now = *at;
  }
  const RealClock clock(now);
  auto places = args->verb()->inside
                    ? Result<Places>(Places{})
                    : find_places(args->value("--ledger"), args->value("--jobs"), environment);
  if (!places && args->verb()->name == "doctor") places = Places{};  // it looks for what is wrong by itself
  if (!places && args->verb()->name == "check") return fail(argv, places.error());
  if (!places) {
    print_error(places.error());
    return map.apply(exit_for(places.error().fault()));
  }
  const std::string form_word = args->has("--log-format") ? args->value("--log-format") : "auto";
  auto form = is_of_runs(*args->verb()) ? log_form(form_word, environment) : LogForm::text;
  if (!form) return fail(argv, form.error().during("--log-format"));
  Log log(*form, args->has("--log-format"), clock);
  const Session session{*args, environment, clock, log, std::move(*places)};
  for (const auto& command : commands) {
    if (command.verb != args->verb()->name) continue;
    auto answer = command.run(session);
    // Of a run the exit code is the answer; of other verbs it is what they print.
    if (answer && *answer == Exit::done && !is_of_runs(*args->verb()))
      if (auto arrived = check_answer_arrived(); !arrived) answer = arrived.error();
    if (!answer) {
      log.error(answer.error());
      if (answer.error().fault() == Fault::gone) die_of_interrupt(take_stop_signal());
      return map.apply(exit_for(answer.error().fault()));
    }
    return map.apply(*answer);
  }
  return fail(argv, Error(Fault::internal, "the verb has no command"));
}

}  // namespace jobrun
