// The table of verbs and options; see cli/args.hpp.
#include "cli/args.hpp"

namespace jobrun {

namespace {

using Takes = OptionSpec::Takes;

constexpr OptionSpec ledger_option = {
    "--ledger", Takes::value, "PATH",
    "the ledger (else $JOBRUN_LEDGER, $STATE_DIRECTORY, the configuration, /var/lib/jobrun)"};
constexpr OptionSpec now_option = {"--now", Takes::value, "T", "take T (RFC 3339) for the current time"};
constexpr OptionSpec stream_option = {"--stream", Takes::value, "S",
                                      "another cursor than the unit's one, by name"};

std::vector<OptionSpec> with_places(std::vector<OptionSpec> options) {
  options.push_back(ledger_option);
  options.push_back({"--jobs", Takes::value, "DIR",
                     "the jobs directory (else $JOBRUN_JOBS, the configuration, /etc/jobrun/jobs)"});
  options.push_back(now_option);
  return options;
}

constexpr OptionSpec unit_option = {"--unit", Takes::values, "U", "only this unit; may be repeated"};
constexpr OptionSpec json_option = {"--json", Takes::nothing, "",
                                    "answer as JSON (see schema_version in it)"};
constexpr OptionSpec quiet_option = {"--quiet", Takes::nothing, "",
                                     "no output at all unless a person must act"};
constexpr OptionSpec parallel_option = {"--parallel", Takes::value, "N",
                                        "units at a time (else the manifest's `parallel`)"};
constexpr OptionSpec wait_option = {"--wait", Takes::maybe_value, "MAX",
                                    "stay for retries and busy units, for MAX at the most (default 24h)"};
constexpr OptionSpec map_option = {"--exit-map", Takes::value, "A=B,...",
                                   "answer B where jobrun would exit with A"};
constexpr OptionSpec tz_option = {"--tz", Takes::value, "ZONE",
                                  "zone of the run date's tokens (else the manifest's timezone, else UTC)"};

}  // namespace

const std::vector<VerbSpec>& verbs() {
  static const std::vector<VerbSpec> table = {
      {"run", "JOB", 1, 1, "do one run of a job for one date: once, from where it stands",
       with_places(
           {{"--run-date", Takes::value, "D",
             "2026-04-12, an RFC 3339 instant, today, yesterday, daily@HH:MM, hourly@MM or every@15m"},
            {"--run-id", Takes::value, "R", "a label for tracing (else JOB:D)"},
            {"--scheduled-at", Takes::value, "T", "when the scheduler meant it to run (RFC 3339)"},
            {"--payload", Takes::value, "JSON|@FILE|-", "input of the run; the same for every call of it"},
            unit_option,
            parallel_option,
            wait_option,
            {"--again", Takes::nothing, "", "a new generation of a run that has ended; needs --reason"},
            {"--reason", Takes::value, "TEXT", "why, for --again"},
            {"--only-retry", Takes::nothing, "", "bring on a run that was started; never start one"},
            {"--dry-run", Takes::nothing, "", "show per unit what would happen and why; change nothing"},
            tz_option,
            quiet_option,
            json_option,
            map_option})},
      {"tick", "", 0, 0, "bring on what is due in any job: retries, and runs that were cut off",
       with_places({quiet_option, json_option, map_option})},
      {"retry", "JOB", 1, 1,
       "give stopped, exhausted or waiting units a fresh budget, and bring their run on now",
       with_places({{"--run-date", Takes::value, "D", "of which run (else the job's latest)"},
                    unit_option,
                    parallel_option,
                    wait_option,
                    tz_option,
                    quiet_option,
                    json_option,
                    map_option})},
      {"replay", "RUN", 1, 1,
       "do units of a run that has ended once more, with the input and manifest stored with it",
       with_places({unit_option,
                    {"--failed", Takes::nothing, "", "only units that need a person"},
                    {"--reason", Takes::value, "CODE", "only units that ended with this reason code"},
                    {"--promote", Takes::nothing, "", "let the shared cursors move, not scratch ones"},
                    {"--dry-run", Takes::nothing, "", "show per unit what would happen; change nothing"},
                    parallel_option,
                    wait_option,
                    quiet_option,
                    json_option,
                    map_option})},
      {"backfill", "JOB", 1, 1,
       "run a job for every date from one to another, in order; call it again to go on",
       with_places(
           {{"--from", Takes::value, "D", "the first run date"},
            {"--to", Takes::value, "D", "the last one"},
            {"--step", Takes::value, "S", "1d (default), 1w, 1mo, or 1h and 15m for instants"},
            {"--keep-going", Takes::nothing, "", "pass over dates that need a person"},
            {"--promote", Takes::nothing, "", "let the shared cursors move, not scratch ones"},
            {"--dry-run", Takes::nothing, "", "show per date and unit what would happen; change nothing"},
            unit_option,
            parallel_option,
            wait_option,
            tz_option,
            quiet_option,
            json_option,
            map_option})},
      {"preflight", "JOB", 1, 1,
       "run a job twice in a private copy of the ledger and show that the second run changed nothing",
       with_places(
           {{"--run-date", Takes::value, "D", "a date that the job was never run for"},
            {"--chaos", Takes::nothing, "", "end it at every point too, go on, and compare"},
            {"--probe", Takes::value, "CMD", "a shell line that prints the outside world, to be compared"},
            {"--reset", Takes::value, "CMD", "a shell line that makes the outside world as it was"},
            unit_option,
            {"--payload", Takes::value, "JSON|@FILE|-", "input of the run"},
            tz_option,
            quiet_option,
            json_option,
            map_option})},
      {"pause", "JOB", 1, 1, "keep a job or some of its units out of runs",
       with_places({unit_option,
                    {"--until", Takes::value, "T", "ends by itself then (RFC 3339)"},
                    {"--reason", Takes::value, "TEXT", "why; shown wherever the pause is"}})},
      {"resume", "JOB", 1, 1, "end a pause", with_places({unit_option})},
      {"effects", "[show|confirm|release KEY]", 0, 2,
       "list effects that are in doubt, show one, or settle one: it happened, or it did not",
       with_places({{"--job", Takes::value, "JOB", "the effect's job (or scope)"},
                    {"--reason", Takes::value, "TEXT", "how you know"},
                    {"--all", Takes::nothing, "", "list the latest effects, whatever their state"},
                    json_option})},
      {"status", "[JOB]", 0, 1, "how every job and unit stands, what needs a person first",
       with_places({json_option})},
      {"show", "RUN", 1, 1,
       "one run with its units and attempts; RUN is a run id, JOB:DATE, or a job for its latest",
       with_places({unit_option, json_option})},
      {"jobs", "", 0, 0, "the jobs there are, their manifests checked", with_places({json_option})},
      {"init", "", 0, 0, "make the ledger", with_places({})},
      {"once",
       "KEY",
       1,
       1,
       "inside a job: do what stands behind -- once, however often it is asked for",
       {{"--if-in-doubt", Takes::value, "POLICY",
         "where it may have happened: stop (a person decides), resend (same token) or probe"},
        {"--token-ttl", Takes::value, "D",
         "how long the other side knows the token, for resend (default 24h)"},
        {"--probe", Takes::value, "CMD", "a shell line that exits 0 if it happened, 1 if it did not"},
        {"--doubtful-exit", Takes::value, "CODES", "exit codes that leave it open, such as curl's 28,52-56"},
        {"--timeout", Takes::value, "D", "end the command after D; that leaves it open"},
        {"--fingerprint", Takes::value, "TEXT", "compare this, not the command's words, with earlier calls"},
        {"--scope", Takes::value, "NAME", "whom the key is unique for (else the job)"},
        {"--job", Takes::value, "JOB", "by hand, outside of a run: whose effect it is"},
        ledger_option,
        now_option},
       true,
       true},
      {"checkpoint",
       "CURSOR",
       1,
       1,
       "inside a job: save how far the work has come",
       {stream_option},
       false,
       true},
      {"cursor",
       "[show JOB|set JOB VALUE|reset JOB]",
       0,
       3,
       "inside a job: print its cursor; by hand: show or mend a job's cursors",
       {stream_option,
        {"--unit", Takes::value, "U", "of this unit"},
        {"--history", Takes::nothing, "", "where the cursors stood, the latest first"},
        {"--reason", Takes::value, "TEXT", "why, for set and reset"},
        json_option,
        ledger_option,
        now_option},
       false,
       true},
      {"item",
       "done|is-done ID",
       1,
       1 << 20,
       "inside a job: note completed records (`done -`: from standard input), or ask",
       {},
       false,
       true},
      {"result",
       "done|retry|stop",
       1,
       1,
       "inside a job: say how the attempt ends",
       {{"--reason", Takes::value, "CODE", "a word that a program can look for: a-z 0-9 _ and the dot"},
        {"--message", Takes::value, "TEXT", "a sentence for a person"},
        {"--pause", Takes::nothing, "", "stop, and keep the unit out of later runs"},
        {"--retry-after", Takes::value, "D", "retry, and not before D has passed"}},
       false,
       true},
      {"progress",
       "MESSAGE",
       1,
       1,
       "inside a job: a word for whoever watches",
       {{"--fraction", Takes::value, "F", "how much is done, from 0 to 1"}},
       false,
       true},
  };
  return table;
}

}  // namespace jobrun
