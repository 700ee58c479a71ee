// Words that `run`, `tick` and `retry` share: run dates, payloads, units, and how a run is brought on and
// answered.
#pragma once

#include <string>

#include "cli/commands.hpp"
#include "cli/screen.hpp"
#include "run/request.hpp"

namespace jobrun {

/// --tz, else the manifest's.
Result<Zone> zone_word(const Session& session, const std::string& job);
/// --run-date as a label. A token needs the zone (--tz, else the manifest's) and is said on stderr.
Result<std::string> run_date_word(const Session& session, const std::string& job);
/// A run date that bounds a search, as a label; empty where the option is not given. A token is taken in the
/// job's zone, of all jobs in UTC.
Result<std::string> label_word(const Session& session, const char* option, const std::string& job);
/// The run that a person names: a run id, JOB:DATE, or a job for its latest. Fault::usage for none and for
/// several.
Result<Run> run_named(Ledger& ledger, const std::string& name);
/// Fault::usage where the run has none of that name.
Result<Unit> unit_named(Ledger& ledger, const Run& run, const std::string& name);
/// Says so where no run of the job has had the unit: it may be a new one, or a typing error.
Result<void> warn_of_new_unit(const Session& session, Ledger& ledger, const std::string& job,
                              const std::string& unit);
/// A job that neither has a manifest nor ever ran is a typing error: what is set for it would have no effect.
Result<void> check_known_job(const Session& session, Ledger& ledger, const std::string& job);
/// JSON, @FILE, or - for standard input.
Result<Payload> payload_word(const std::string& word);
/// --unit, --parallel and --wait into the request.
Result<void> unit_words(const Session& session, RunRequest& request);
/// The ledger's answer where it has one, else the run. Notes in LEDGER.asked that it was asked and nothing
/// was to do.
Result<Answer> answer_for(const Session& session, World& world, const RunRequest& request, bool dry_run);
/// As text, unless --quiet finds nothing in it that a person must hear.
void print_answer(const Session& session, const Answer& answer, bool dry_run);
/// Both, as JSON where that is asked for: what `run` and `retry` end with.
Result<Exit> bring_on_and_print(const Session& session, World& world, RunScreen& screen,
                                const RunRequest& request, bool dry_run);

}  // namespace jobrun
