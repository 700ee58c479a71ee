// jobrun preflight JOB: a second run, and a crash at every point, before the job goes live.
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "contract/envelope.hpp"
#include "run/preflight.hpp"

namespace jobrun {

namespace {

Result<std::string> own_path() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path - 1);
  if (size <= 0) return Error(Fault::setup, "/proc is not there: this program's own path can't be found");
  return std::string(path, static_cast<std::size_t>(size));
}

std::string text_of(const PreflightReport& report, const std::string& job) {
  std::string text;
  int doubts = 0;
  for (const auto& check : report.checks) {
    doubts += check.in_doubt ? 1 : 0;
    text += fmt::format("  {}  {}{}{}\n", check.fault.empty() ? "ok  " : "FAIL", check.what,
                        check.in_doubt    ? " (told as in doubt)"
                        : check.calls > 1 ? fmt::format(" ({} calls to recover)", check.calls)
                                          : "",
                        check.fault.empty() ? "" : ": " + check.fault);
  }
  return fmt::format("preflight of {}: {}, {} points where the run was ended{}\n{}", job,
                     report.holds() ? "all holds" : "NOT SAFE", report.points,
                     doubts > 0 ? fmt::format(", {} of them left in doubt for a person", doubts) : "", text);
}

Json json_of(const PreflightReport& report, const std::string& job) {
  Json checks = Json::array();
  for (const auto& check : report.checks)
    checks.push(Json::object()
                    .set("what", check.what)
                    .set("ok", check.fault.empty())
                    .set("fault", json_or_null(check.fault))
                    .set("calls", check.calls)
                    .set("told_in_doubt", check.in_doubt));
  Json json = Json::object().set("schema_version", 1).set("job", job).set("holds", report.holds());
  return json.set("points", report.points).set("checks", std::move(checks));
}

}  // namespace

Result<Exit> cmd_preflight(const Session& session) {
  ::umask(0077);
  const Args& args = session.args;
  PreflightRequest request;
  request.job = args.words().front();
  if (auto named = check_job_name(request.job); !named) return named.error();
  auto date = run_date_word(session, request.job);
  if (!date) return date.error();
  request.run_date = std::move(*date);
  if (auto manifest = load_manifest(session.places.jobs, request.job); !manifest) return manifest.error();
  for (const auto& unit : args.values("--unit")) request.words.push_back("--unit=" + unit);
  if (args.has("--payload")) {
    auto payload = payload_word(args.value("--payload"));
    if (!payload) return payload.error().during("--payload");
    request.words.push_back("--payload=" + payload->text);
  }
  // One unit after the other: the points are then the same ones in every round.
  request.words.emplace_back("--parallel=1");
  request.chaos = args.has("--chaos");
  request.probe = args.value("--probe");
  request.reset = args.value("--reset");
  request.places = session.places;
  request.now = args.value("--now");
  auto program = own_path();
  if (!program) return program.error();
  request.program = std::move(*program);
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  RunScreen screen(session.log, session.quiet());
  World world{session.clock, **opened, screen, session.environment, {}};
  auto report = preflight(world, request);
  if (!report) return report.error();
  if (session.json()) {
    print_out(json_of(*report, request.job).dump() + "\n");
  } else if (!session.quiet() || !report->holds()) {
    print_out(text_of(*report, request.job));
  }
  return report->holds() ? Exit::done : Exit::stopped;
}

}  // namespace jobrun
