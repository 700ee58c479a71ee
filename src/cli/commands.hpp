// From words to a verb: what every command is given, and the table of commands.
// A command answers an exit code or an Error; run_commands prints the Error and maps both.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cli/args.hpp"
#include "cli/log.hpp"
#include "contract/exit_codes.hpp"
#include "run/catalog.hpp"
#include "run/places.hpp"
#include "run/world.hpp"

namespace jobrun {

/// One call of jobrun: its words, environment and clock, and the places they name.
struct Session {
  const Args& args;
  const Environment& environment;
  const Clock& clock;
  Log& log;
  const Places places;  ///< empty for verbs that speak to a running jobrun

  /// What the configuration says; read now where finding the places did not ask for it.
  Result<Config> config() const {
    return places.config ? Result<Config>(*places.config) : load_config(environment);
  }
  bool quiet() const { return args.has("--quiet"); }
  bool json() const { return args.has("--json"); }
  /// As the configuration says. Asked for where a run is brought on: a call that finds nothing to do reads no
  /// file for it.
  void choose_log_form() const;
  /// Lives as long as the process: closing it would only tidy memory, and a call that finds nothing to do has
  /// no time for that.
  Result<Ledger*> open(Ledger::Purpose purpose) const;
  /// This process, as attempts remember it.
  Call call(const std::string& run_id, const std::string& caller = {}) const;
};

Result<Exit> cmd_run(const Session& session);
Result<Exit> cmd_tick(const Session& session);
Result<Exit> cmd_retry(const Session& session);
Result<Exit> cmd_pause(const Session& session);
Result<Exit> cmd_resume(const Session& session);
Result<Exit> cmd_effects(const Session& session);
Result<Exit> cmd_status(const Session& session);
Result<Exit> cmd_show(const Session& session);
Result<Exit> cmd_log(const Session& session);
Result<Exit> cmd_history(const Session& session);
Result<Exit> cmd_jobs(const Session& session);
Result<Exit> cmd_check(const Session& session);
/// What a monitor is told where its call went wrong.
Exit check_unknown(const Error& error, bool json);
Result<Exit> cmd_metrics(const Session& session);
Result<Exit> cmd_doctor(const Session& session);
Result<Exit> cmd_init(const Session& session);
Result<Exit> cmd_replay(const Session& session);
Result<Exit> cmd_backfill(const Session& session);
Result<Exit> cmd_preflight(const Session& session);
Result<Exit> cmd_report(const Session& session);
Result<Exit> cmd_once(const Session& session);
Result<Exit> cmd_checkpoint(const Session& session);
Result<Exit> cmd_cursor(const Session& session);
Result<Exit> cmd_item(const Session& session);
Result<Exit> cmd_result(const Session& session);
Result<Exit> cmd_progress(const Session& session);
Result<Exit> cmd_prune(const Session& session);
Result<Exit> cmd_ledger(const Session& session);
Result<Exit> cmd_inventory(const Session& session);
Result<Exit> cmd_completion(const Session& session);
Result<Exit> cmd_emit(const Session& session);

/// The whole program but the worker's role: the exit code of the process.
int run_commands(const std::vector<std::string>& argv, const Environment& environment);

}  // namespace jobrun
