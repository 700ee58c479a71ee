#include "cli/run_words.hpp"

#include <unistd.h>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"
#include "contract/envelope.hpp"
#include "handler/capture.hpp"
#include "handler/stop_signals.hpp"
#include "ledger/history.hpp"
#include "run/catalog.hpp"
#include "run/notify.hpp"
#include "run/traces.hpp"

namespace jobrun {

namespace {

constexpr std::size_t payload_limit = 1024 * 1024;

}  // namespace

Result<Zone> zone_word(const Session& session, const std::string& job) {
  if (session.args.has("--tz")) {
    auto zone = Zone::named(session.args.value("--tz"));
    if (!zone) return zone.error().during("--tz");
    return zone;
  }
  auto manifest = load_manifest(session.places.jobs, job);
  if (!manifest) return manifest.error();
  return Zone::named(manifest->timezone);
}

Result<std::string> run_date_word(const Session& session, const std::string& job) {
  const std::string word = session.args.value("--run-date");
  if (!session.args.has("--run-date")) {
    const auto verb = has_manifest(session.places.jobs, job) ? std::nullopt : nearest_verb(job);
    if (verb)
      return usage_error(printable(job) + " is no verb, and for a job --run-date is missing",
                         "did you mean " + *verb + "?");
    return usage_error("--run-date is missing", "for example --run-date today, or --run-date 2026-04-12");
  }
  Zone zone = Zone::utc();
  // Only a token, or a zone named on this line, asks for more than the words themselves.
  if (is_run_date_token(word) || session.args.has("--tz")) {
    auto found = zone_word(session, job);
    if (!found) return found.error();
    zone = *found;
  }
  auto date = resolve_run_date(word, zone, session.clock.wall());
  if (!date) return date.error().during("--run-date");
  if (date->from_token && !session.quiet())
    session.log.note("info", fmt::format("--run-date {} is {} ({})", word, date->label, zone.name()));
  return date->label;
}

Result<std::string> label_word(const Session& session, const char* option, const std::string& job) {
  if (!session.args.has(option)) return std::string();
  const std::string word = session.args.value(option);
  Zone zone = Zone::utc();
  if (!job.empty() && is_run_date_token(word)) {
    auto found = zone_word(session, job);
    if (!found) return found.error();
    zone = *found;
  }
  auto date = resolve_run_date(word, zone, session.clock.wall());
  if (!date) return date.error().during(option);
  return date->label;
}

Result<Run> run_named(Ledger& ledger, const std::string& name) {
  auto runs = find_runs_named(ledger, name);
  if (!runs) return runs.error();
  if (runs->empty())
    return usage_error("no run is named " + printable(name),
                       "`jobrun status` lists jobs; name a run id, JOB:DATE or a job");
  const Run& first = runs->front();
  for (const Run& other : *runs) {
    if (other.job == first.job && other.run_date == first.run_date) continue;
    std::vector<std::string> labels;
    for (const Run& run : *runs) labels.push_back(run.job + ":" + run.run_date);
    if (labels.size() > 8) labels.resize(8);
    return usage_error(printable(name) + " names several runs", "name one of " + join(labels, ", "));
  }
  return first;
}

Result<Unit> unit_named(Ledger& ledger, const Run& run, const std::string& name) {
  auto unit = unit_of_run(ledger, run.id, name);
  if (!unit) return unit.error();
  if (!*unit || name.empty())
    return usage_error(fmt::format("run {} has no unit {}", run.run_id, printable(name)),
                       "leave --unit out to see them all");
  return std::move(**unit);
}

Result<void> check_known_job(const Session& session, Ledger& ledger, const std::string& job) {
  if (has_manifest(session.places.jobs, job)) return {};
  auto run = find_latest_run(ledger, job);
  if (!run) return run.error();
  if (*run) return {};
  auto manifest = load_manifest(session.places.jobs, job);
  return manifest ? Result<void>() : manifest.error();
}

Result<void> warn_of_new_unit(const Session& session, Ledger& ledger, const std::string& job,
                              const std::string& unit) {
  auto known = has_had_unit(ledger, job, unit);
  if (!known) return known.error();
  if (!*known)
    session.log.note("warn", fmt::format("no run of {} has had a unit {} so far", job, printable(unit)));
  return {};
}

Result<Payload> payload_word(const std::string& word) {
  if (word == "-") {
    auto text = read_all(STDIN_FILENO, payload_limit);
    if (!text && text.error().fault() == Fault::gone) return text.error();
    if (!text)
      return usage_error("standard input: " + text.error().what(), "send the JSON on standard input");
    return parse_payload(*text);
  }
  if (!word.starts_with('@')) return parse_payload(word);
  auto text = read_file(word.substr(1), payload_limit);
  if (!text) return usage_error(text.error().what(), "name a readable file behind the @");
  auto payload = parse_payload(*text);
  if (!payload) return payload.error().during(word.substr(1));
  return payload;
}

Result<void> unit_words(const Session& session, RunRequest& request) {
  const Args& args = session.args;
  request.units = args.values("--unit");
  for (const auto& unit : request.units)
    if (auto named = check_unit_id(unit); !named) return named.error().during("--unit");
  if (args.has("--parallel")) {
    const auto parallel = parse_integer(args.value("--parallel"), 1, 256);
    if (!parallel)
      return usage_error(
          "--parallel: \"" + printable(args.value("--parallel")) + "\" is not a number from 1 to 256",
          "for example --parallel 4");
    request.parallel = static_cast<int>(*parallel);
  }
  if (args.has("--wait")) {
    auto most = args.value("--wait").empty() ? Result<Span>(std::chrono::hours(24))
                                             : parse_duration(args.value("--wait"));
    if (!most) return most.error().during("--wait");
    request.wait = *most;
  }
  return {};
}

void print_answer(const Session& session, const Answer& answer, bool dry_run) {
  // cron mails on output: a person is told by the call that found out, not by every later one that only
  // repeats it.
  if (session.quiet() && !answer.news) return;
  print_out(answer_text(answer, dry_run));
}

Result<Answer> answer_for(const Session& session, World& world, const RunRequest& request, bool dry_run) {
  session.log.set_run(request.job, request.run_date, world.call.run_id, "");
  auto known = answer_from_ledger(world, request);
  if (!known) return known.error();
  if (*known) {
    if (!dry_run)
      world.ledger.note_asked(session.clock.wall(),
                              fmt::format("{} {} {} {}", request.job, request.run_date, world.call.run_id,
                                          exit_word((*known)->exit)));
    return std::move(**known);
  }
  if (dry_run) return foresee(world, request, session.places.jobs);
  const std::string run_id = world.call.run_id;
  world.call = session.call(run_id, world.call.caller);
  session.log.set_run(request.job, request.run_date, run_id, world.call.caller);
  session.choose_log_form();
  const auto config = session.config();
  if (!config) return config.error();
  world.alerts_by_default = config->alerts;
  auto spans = Traces::wanted(world, request, config->otlp_endpoint);
  if (!spans) return bring_on(world, request, session.places.jobs);
  Traces traces(world, std::move(*spans));
  World traced{world.clock,  world.ledger, traces, world.environment, world.call, world.alerts_by_default,
               world.ends_at};
  auto answer = bring_on(traced, request, session.places.jobs);
  const std::string problem = answer ? traces.send(*answer) : "";
  if (!problem.empty() && !session.quiet()) world.observer.note("the spans were not taken: " + problem);
  return answer;
}

Result<Exit> bring_on_and_print(const Session& session, World& world, RunScreen& screen,
                                const RunRequest& request, bool dry_run) {
  auto answer = answer_for(session, world, request, dry_run);
  screen.clear();
  if (!answer) return answer.error();
  if (session.json()) {
    print_out(answer_json(*answer).dump() + "\n");
  } else {
    print_answer(session, *answer, dry_run && !answer->outcomes.empty());
  }
  if (answer->brought_on) tell_people(world, session.places.jobs);
  if (dry_run && !answer->outcomes.empty()) return Exit::done;
  die_of_interrupt(answer->signal);
  return answer->exit;
}

}  // namespace jobrun
