// A report: how all jobs stood at one moment, as a plain value in the order in which somebody at 2 a.m. asks.
// gather_report reads one snapshot of the ledger and the manifests. Every list has a limit, and what it
// leaves out is counted. Redaction is done here, so that no writer can forget it. Formats nothing and prints
// nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/civil.hpp"
#include "ledger/crashes.hpp"
#include "ledger/survey.hpp"
#include "ledger/wide_runs.hpp"
#include "run/matters.hpp"
#include "run/places.hpp"

namespace jobrun {

struct ReportRequest {
  std::string job;                    ///< empty: all
  Span last = std::chrono::days(30);  ///< how far back, 1 to 90 days
  Zone zone = Zone::utc();            ///< in which times are shown, and which day is today
  bool redact = false;  ///< without messages, names of units, effect keys, output and reasons by hand
};

/// One day of a job's strip: all runs whose run date falls on it.
struct ReportDay {
  enum class Kind { none, done, retried, waiting, running, missing, failed };  // the worst of them counts
  Date date;
  Kind kind = Kind::none;
  int runs = 0, done = 0, missing = 0;
};
std::string_view word_of(ReportDay::Kind kind);

/// What needs a person; beside what the ledger knows of, a faulty manifest and a stale job (kinds manifest
/// and stale).
struct ReportMatter : Matter {
  std::int64_t run = 0;  ///< of a story, 0: none
};

struct ReportJob {
  enum class Standing { attention, running, waiting, fine, never_ran };
  std::string job, description, owner, runbook;
  Standing standing = Standing::fine;
  std::optional<Run> latest;
  std::vector<Plight> plights;  ///< of the latest run's units
  std::optional<Success> success;
  std::string next_at;  ///< the next retry; empty: none
  std::string stale;    ///< why it is stale; empty: it is not, or nothing is expected of it
  struct Bar {
    std::string run_date;
    Span busy;
    UnitState state;
  };
  std::vector<Bar> bars;         ///< the last runs, oldest first
  std::optional<Span> p50, p95;  ///< of those that are done
  std::vector<ReportDay> days;   ///< oldest first
};
std::string_view word_of(ReportJob::Standing standing);

/// One run told to its end.
struct ReportRun {
  Run run;
  RunWork work;
  std::vector<Plight> plights;
  std::vector<RunAttempt> attempts;  ///< oldest first
  std::vector<EffectStory> effects;
  std::string output, output_of;  ///< the last lines of the attempt that tells most, and its name
};

struct RecentAttempt {
  std::int64_t run = 0;
  std::string job, run_date;
  bool told = false;  ///< the report has a ReportRun for it
  RunAttempt what;
};

struct Report {
  Instant at{}, stale_at{};  ///< when it was made; when the next run should have changed it
  ReportRequest request;
  std::string ledger;
  std::vector<ReportMatter> matters;
  std::vector<ReportJob> jobs;  ///< what needs a person first, then by name
  std::vector<RecentAttempt> recent;
  std::vector<ReportRun> runs;
  std::vector<EffectStory> effects;  ///< newest first, without their tokens
  Extent extent;                     ///< of the whole ledger
  std::vector<CrashedUnit> crashed;  ///< that no call has met yet: nobody runs them, whatever their row says
  std::int64_t jobs_left_out = 0, matters_left_out = 0;
  std::array<int, 5> standing{};  ///< how many jobs are at which ReportJob::Standing
  int count(ReportJob::Standing which) const { return standing[static_cast<std::size_t>(which)]; }
};

/// Fault::usage for a job that neither has a manifest nor ever ran.
Result<Report> gather_report(Ledger& ledger, const Places& places, ReportRequest request, Instant now);

/// "3 jobs need attention · 41 fine · 1 running"
std::string headline_of(const Report& report);

// Parts of gather_report, in files of their own (report_*.cpp).

/// The strip of a job that ends with `today`, from its runs, newest first.
std::vector<ReportDay> days_of(const std::vector<SeenRun>& runs, std::optional<Span> period, const Zone& zone,
                               Date today, int days);
/// Without units whose process is gone: they wait for the next call.
void tell_crashes(const Report& report, Run& run);
void tell_crashes(const Report& report, std::vector<RunAttempt>& attempts);
/// Recent attempts and the stories of runs: those of matters, then those that moved last. `moved`: runs.
Result<void> tell_runs(Ledger& ledger, std::vector<Run> moved, Report& report);
/// Replaces or takes away what may hold customer data.
void redact(Report& report);

}  // namespace jobrun
