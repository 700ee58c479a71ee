// jobrun history: the runs there were, newest first, and the run dates that are missing.
#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/gap_view.hpp"
#include "cli/history_view.hpp"
#include "cli/job_view.hpp"
#include "cli/run_words.hpp"
#include "ledger/past_runs.hpp"

namespace jobrun {

namespace {

constexpr int most_units_told = 10;  // whose attempts are shown under one run

Result<RunFilter> filter_of(const Session& session, const std::string& job) {
  const Args& args = session.args;
  RunFilter filter;
  filter.job = job;
  filter.unit = args.value("--unit");
  filter.reason = args.value("--reason");
  filter.state = args.value("--state");
  if (args.has("--state") && !unit_state(filter.state))
    return usage_error("--state: " + printable(filter.state) + " is no state",
                       "pending, running, retrying, done, stopped, exhausted or in_doubt");
  if (args.has("--last")) {
    auto span = parse_duration(args.value("--last"));
    if (!span) return span.error().during("--last");
    filter.since = session.clock.wall() - *span;
  }
  if (args.has("--limit")) {
    const auto most = parse_integer(args.value("--limit"), 1, 100'000);
    if (!most)
      return usage_error(
          "--limit: \"" + printable(args.value("--limit")) + "\" is not a number from 1 to 100000",
          "for example --limit 100");
    filter.most = *most;
  }
  auto from = label_word(session, "--from", job);
  if (!from) return from.error();
  auto to = label_word(session, "--to", job);
  if (!to) return to.error();
  filter.from = std::move(*from);
  filter.to = std::move(*to);
  return filter;
}

Result<Exit> show_gaps(const Session& session, Ledger& ledger, const RunFilter& filter) {
  for (const char* other : {"--unit", "--state", "--reason", "--last", "--limit", "--attempts"})
    if (session.args.has(other))
      return usage_error(std::string(other) + " does not go with --gaps",
                         "--from and --to narrow it; jobrun history --help shows how");
  auto jobs = known_jobs(ledger, session.places.jobs, filter.job);
  if (!jobs) return jobs.error();
  Json list = Json::array();
  std::string text;
  for (const auto& job : *jobs) {
    auto found = gaps_of(ledger, session.places.jobs, job, filter.from, filter.to);
    if (!found) return found.error();
    list.push(gaps_json(*found));
    text += gaps_text(*found);
  }
  if (session.json())
    print_out(Json::object().set("schema_version", 1).set("gaps", std::move(list)).dump() + "\n");
  else
    print_out(text.empty() ? "no jobs yet\n" : text);
  return Exit::done;
}

/// The nights that never started, between the runs that are shown: where nothing was filtered out.
Result<Gaps> gaps_among(const Session& session, Ledger& ledger, const RunFilter& filter,
                        const PastRuns& past) {
  if (filter.job.empty() || filter.since || past.runs.size() < 2) return Gaps();
  if (!filter.unit.empty() || !filter.state.empty() || !filter.reason.empty()) return Gaps();
  auto found = gaps_of(ledger, session.places.jobs, filter.job, past.runs.back().run.run_date,
                       past.runs.front().run.run_date);
  if (!found) return found.error();
  return std::move(found->gaps);
}

std::string ending(const PastRuns& past, const RunFilter& filter) {
  if (past.bounded)
    return fmt::format("only the latest {} runs were looked through; name a JOB, or --last D\n",
                       most_looked_through);
  if (past.runs.empty()) return "no runs\n";
  if (!past.more) return "";
  return fmt::format("the latest {} are shown; --limit {} shows more\n", past.runs.size(),
                     std::min<std::int64_t>(100'000, filter.most * 10));
}

}  // namespace

Result<Exit> cmd_history(const Session& session) {
  const std::string job = session.args.words().empty() ? "" : session.args.words().front();
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  if (!job.empty())
    if (auto known = known_jobs(ledger, session.places.jobs, job); !known) return known.error();
  auto filter = filter_of(session, job);
  if (!filter) return filter.error();
  if (session.args.has("--gaps")) return show_gaps(session, ledger, *filter);
  auto past = past_runs(ledger, *filter);
  if (!past) return past.error();
  const bool with_attempts = session.args.has("--attempts");
  auto gaps = gaps_among(session, ledger, *filter, *past);
  if (!gaps) return gaps.error();
  std::vector<ToldRun> runs;
  for (auto& one : past->runs) {
    ToldRun told{std::move(one), {}};
    if (with_attempts) {
      auto attempts = telling_attempts(ledger, told.past.run, filter->unit, most_units_told);
      if (!attempts) return attempts.error();
      told.attempts = std::move(*attempts);
    }
    runs.push_back(std::move(told));
  }
  if (session.json()) {
    Json list = Json::array();
    for (const auto& told : runs) list.push(history_json(told, with_attempts));
    print_out(Json::object()
                  .set("schema_version", 1)
                  .set("runs", std::move(list))
                  .set("more", past->more || past->bounded)
                  .dump() +
              "\n");
    return Exit::done;
  }
  print_out((runs.empty() ? "" : history_text(runs, *gaps, session.clock.wall())) + ending(*past, *filter));
  return Exit::done;
}

}  // namespace jobrun
