// jobrun report: how everything stands, as a page, as Markdown for a CI summary, as JSON.
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/report_view.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

constexpr unsigned page_mode = 0640;  // error texts may hold customer data: not for everybody

Result<ReportRequest> request_of(const Session& session) {
  ReportRequest request;
  if (!session.args.words().empty()) request.job = session.args.words().front();
  request.redact = session.args.has("--redact");
  if (session.args.has("--last")) {
    auto last = parse_duration(session.args.value("--last"));
    if (!last) return last.error().during("--last");
    if (*last < std::chrono::days(1) || *last > std::chrono::days(90))
      return usage_error("--last " + session.args.value("--last") + " is not between 1d and 90d",
                         "`jobrun show JOB:DATE` tells of an older run");
    request.last = *last;
  }
  if (session.args.has("--tz")) {
    auto zone = Zone::named(session.args.value("--tz"));
    if (!zone) return zone.error().during("--tz");
    request.zone = *zone;
  }
  return request;
}

/// FILE, replaced in one step, or standard output for `-` and nothing.
Result<void> deliver(const std::string& file, const std::string& text) {
  if (file.empty() || file == "-") {
    if (write_out(text)) return {};
    return Error(Fault::setup, "write the report: standard output takes no more");
  }
  const std::string path = path_absolute(file);
  auto written = check_replaceable(path);
  if (written) written = write_file(path, text, page_mode);
  if (!written)
    return Error(Fault::setup, "write the report: " + written.error().what(), written.error().next_step());
  return {};
}

}  // namespace

Result<Exit> cmd_report(const Session& session) {
  const bool page = session.args.has("--html"), markdown = session.args.has("--markdown");
  if (!page && !markdown && !session.json())
    return usage_error(
        "report: in which form?",
        "`jobrun report --html FILE`, `--markdown` or `--json`; on the terminal it is `jobrun status`");
  auto request = request_of(session);
  if (!request) return request.error();
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  auto report = gather_report(**opened, session.places, std::move(*request), session.clock.wall());
  if (!report) return report.error();
  if (page)
    if (auto ok = deliver(session.args.value("--html"), report_page(*report)); !ok) return ok.error();
  if (markdown)
    if (auto ok = deliver(session.args.value("--markdown"), report_markdown(*report)); !ok) return ok.error();
  if (session.json())
    if (auto ok = deliver("", report_json(*report).dump() + "\n"); !ok) return ok.error();
  return Exit::done;
}

}  // namespace jobrun
