// The page: a sentence, what needs a person, all jobs, what failed; then single runs (report_stories.cpp).
#include <algorithm>

#include "base/text.hpp"
#include "cli/report_view.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

using Standing = ReportJob::Standing;

std::string age_at(const Report& report, const std::string& stamp) {
  return ago(stamp, report.at);
}

Html soft_line(std::string_view text) {
  return text.empty() ? Html() : html("<div class=\"soft small\">{}</div>", text);
}

Html units_phrase(const std::vector<std::string>& names, std::int64_t count) {
  if (names.empty()) return {};
  std::string text = join(names, ", ");
  const auto named = static_cast<std::int64_t>(names.size());
  if (count > named) text += fmt::format(" and {} more", count - named);
  return html("<p class=\"small\"><span class=\"soft\">{}</span> {}</p>", count == 1 ? "Unit" : "Units",
              text);
}

Html matter_of(const Report& report, const ReportMatter& matter) {
  const bool paused = matter.kind == "pause";
  const std::string state =
      matter.count > 1 ? fmt::format("{} {} {}", matter.count, matter.kind == "effect" ? "effects" : "units",
                                     matter.state == "in_doubt" ? "in doubt" : matter.state)
                       : (matter.state == "in_doubt" ? "in doubt" : matter.state);
  const Html whose = matter.job.empty() ? Html("The ledger")  // restored: a matter of all jobs
                                        : html("<a href=\"#job-{}\">{}</a>", matter.job, matter.job);
  Html card = html("<li class=\"matter{}\">\n<div class=\"head\">{}<h3>{}{}</h3>", paused ? " paused" : "",
                   report_mark(paused ? "warn" : "bad", state), whose,
                   matter.run_date.empty() ? "" : " " + matter.run_date);
  if (!matter.since.empty())
    card += html("<span class=\"soft small\">{} ({})</span>", report_time(report, matter.since),
                 age_at(report, matter.since));
  card += Html("</div>\n");
  card += html("<p><code>{}</code>{}</p>\n", matter.reason,
               matter.message.empty() ? Html() : html(" {}", clip(matter.message, most_text)));
  card += units_phrase(matter.units, matter.count);
  if (matter.earlier > 0)
    card += html("<p class=\"small\"><span class=\"soft\">The same on</span> {} earlier run date{}</p>",
                 matter.earlier, matter.earlier == 1 ? "" : "s");
  card +=
      html("<p class=\"step\"><span class=\"soft\">Next:</span> {}</p>\n", report_step(matter.next_action));
  if (matter.run != 0)
    card += html("<p class=\"small\"><a href=\"#run-{}\">Attempts and output</a></p>\n", matter.run);
  card += Html("</li>\n");
  return card;
}

Html attention_section(const Report& report) {
  Html section(
      "<section aria-labelledby=\"attention\">\n<h2 id=\"attention\" tabindex=\"-1\">Needs attention</h2>\n");
  if (report.matters.empty()) {
    section += Html("<p class=\"clear\">Nothing needs a person.</p>\n");
  } else {
    section += Html("<ul class=\"matters\">\n");
    for (const auto& matter : report.matters) section += matter_of(report, matter);
    section += Html("</ul>\n");
  }
  if (report.matters_left_out > 0)
    section +=
        html("<p class=\"soft\">{} more are left out here; <code>jobrun status --json</code> has all.</p>\n",
             report.matters_left_out);
  section += Html("</section>\n");
  return section;
}

std::string_view mark_kind(Standing standing) {
  switch (standing) {
    case Standing::attention:
      return "bad";
    case Standing::running:
      return "info";
    case Standing::waiting:
      return "warn";
    case Standing::fine:
      return "ok";
    case Standing::never_ran:
      return "none";
  }
  return "none";
}

Html head_cell(const ReportJob& job) {
  Html cell = html("<th scope=\"row\" role=\"rowheader\"><div id=\"job-{}\" tabindex=\"-1\">{}</div>",
                   job.job, job.job);
  cell += soft_line(clip(job.description, most_text));
  Html note = html("{}", clip(job.owner, most_text));
  if (!job.runbook.empty()) {
    if (!note.empty()) note += Html(" &middot; ");
    note += is_web_address(job.runbook)
                ? html("<a href=\"{}\" rel=\"noreferrer noopener\">runbook</a>", job.runbook)
                : html("runbook: {}", clip(job.runbook, most_text));
  }
  if (!note.empty()) cell += html("<div class=\"soft small\">{}</div>", note);
  cell += Html("</th>\n");
  return cell;
}

Html job_row(const Report& report, const ReportJob& job) {
  Html row = html("<tr role=\"row\">\n{}", head_cell(job));
  row += html("<td role=\"cell\" data-label=\"Now\"><div>{}",
              report_mark(mark_kind(job.standing), word_of(job.standing)));
  if (job.latest) {
    const Run& run = *job.latest;
    const std::string outcome(run.counts.total() == 1 ? word_of(run.state) : counts_phrase(run.counts));
    row +=
        html("<div class=\"small\">{}: {}</div>", run.run_date, outcome == "in_doubt" ? "in doubt" : outcome);
  }
  row += soft_line(job.stale);
  row += Html("</div></td>\n<td role=\"cell\" data-label=\"Last success\"><div>");
  if (job.success)
    row += html("<div>{}</div><div class=\"soft small\">{}</div>", age_at(report, job.success->at),
                report_time(report, job.success->at));
  else
    row += Html("never");
  row += Html("</div></td>\n<td role=\"cell\" data-label=\"Time at work\"><div>");
  row += bars_of(job);
  if (job.p50)
    row += html(
        "<div class=\"soft small\"><span class=\"nb\">p50 {}</span> &middot; <span class=\"nb\">p95 "
        "{}</span></div>",
        format_age(*job.p50), format_age(*job.p95));
  row += html(
      "</div></td>\n<td role=\"cell\" data-label=\"{} days\"><div>{}<div class=\"soft "
      "small\">{}</div></div></td>\n",
      job.days.size(), strip_of(job), strip_phrase(job));
  if (job.next_at.empty())
    row += Html(
        "<td role=\"cell\" data-label=\"Next retry\" class=\"empty\"><span "
        "class=\"soft\">-</span></td>\n</tr>\n");
  else
    row += html("<td role=\"cell\" data-label=\"Next retry\"><div>{}</div></td>\n</tr>\n",
                report_time(report, job.next_at));
  return row;
}

Html legend() {
  static constexpr std::pair<const char*, const char*> shapes[] = {{"d-done", "done"},
                                                                   {"d-retried", "done after retries"},
                                                                   {"d-failed", "needs a person"},
                                                                   {"d-missing", "missing"},
                                                                   {"d-running", "running"},
                                                                   {"d-waiting", "waiting"},
                                                                   {"d-none", "no run"}};
  Html list("<ul class=\"legend\" aria-label=\"What the shapes mean\">\n");
  for (const auto& [shape, word] : shapes)
    list += html(
        "<li><svg width=\"7\" height=\"22\" viewBox=\"0 0 7 22\" aria-hidden=\"true\"><use "
        "href=\"#{}\"/></svg>{}</li>\n",
        shape, word);
  list += Html("</ul>\n");
  return list;
}

Html jobs_section(const Report& report) {
  Html section("<section aria-labelledby=\"jobs\">\n<h2 id=\"jobs\" tabindex=\"-1\">Jobs</h2>\n");
  if (report.jobs.empty()) {
    section += Html("<p>No job has a manifest yet, and none ever ran.</p>\n</section>\n");
    return section;
  }
  section += html(
      "<div class=\"sheet\">\n<table role=\"table\" class=\"stack\" aria-labelledby=\"jobs\">\n<thead "
      "role=\"rowgroup\">"
      "<tr role=\"row\"><th scope=\"col\" role=\"columnheader\">Job</th><th scope=\"col\" "
      "role=\"columnheader\">Now</th>"
      "<th scope=\"col\" role=\"columnheader\">Last success</th><th scope=\"col\" role=\"columnheader\">Time "
      "at work</th>"
      "<th scope=\"col\" role=\"columnheader\">Last {} days</th><th scope=\"col\" role=\"columnheader\">Next "
      "retry</th>"
      "</tr></thead>\n<tbody role=\"rowgroup\">\n",
      report.jobs.front().days.size());
  for (const auto& job : report.jobs) section += job_row(report, job);
  section += html("</tbody>\n</table>\n</div>\n{}", legend());
  if (report.jobs_left_out > 0)
    section += html(
        "<p class=\"soft\">{} more jobs are left out, those that are well; name one: "
        "<code>jobrun report JOB</code>.</p>\n",
        report.jobs_left_out);
  section += Html("</section>\n");
  return section;
}

/// Jobs with several units whose latest run is not all done: who is behind, and why.
Html units_section(const Report& report) {
  Html groups;
  for (const auto& job : report.jobs) {
    if (!job.latest || job.latest->counts.total() < 2 || job.plights.empty()) continue;
    groups += html(
        "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\" rowspan=\"{}\">{} {}<div class=\"soft "
        "small\">{}</div></th>",
        job.plights.size(), job.job, job.latest->run_date, counts_phrase(job.latest->counts));
    bool first = true;
    for (const auto& plight : job.plights) {
      if (!first) groups += Html("<tr role=\"row\">");
      first = false;
      std::string names = join(plight.names, ", ");
      if (const auto named = static_cast<std::int64_t>(plight.names.size()); plight.units > named)
        names += fmt::format(" and {} more", plight.units - named);
      groups += html(
          "<td role=\"cell\" data-label=\"State\">{}</td><td role=\"cell\" data-label=\"Units\"><div>{}: "
          "{}</div></td>"
          "<td role=\"cell\" data-label=\"Why\"><div>{}{}</div></td></tr>\n",
          report_mark(jobrun::mark_kind(plight.state),
                      plight.state == UnitState::in_doubt ? "in doubt" : word_of(plight.state)),
          plight.units, clip(names, most_text),
          plight.reason.empty() ? Html("not started") : html("<code>{}</code> ", plight.reason),
          clip(plight.message, most_text));
    }
  }
  if (groups.empty()) return {};
  return html(
      "<section aria-labelledby=\"units\">\n<h2 id=\"units\" tabindex=\"-1\">Units that are not done</h2>\n"
      "<div class=\"sheet\">\n<table role=\"table\" class=\"stack\" aria-labelledby=\"units\">\n<thead "
      "role=\"rowgroup\">"
      "<tr role=\"row\"><th scope=\"col\" role=\"columnheader\">Run</th><th scope=\"col\" "
      "role=\"columnheader\">State</th>"
      "<th scope=\"col\" role=\"columnheader\">Units</th><th scope=\"col\" "
      "role=\"columnheader\">Why</th></tr></thead>\n"
      "<tbody role=\"rowgroup\">\n{}</tbody>\n</table>\n</div>\n</section>\n",
      groups);
}

Html facts(const Report& report) {
  Html list = html(
      "<ul class=\"facts\">\n<li>Generated {}; ages are as of then</li>\n<li>Stale if it is later than "
      "{}</li>\n"
      "<li>Times in {}</li>\n<li>Ledger <span class=\"mono\">{}</span></li>\n",
      report_time(report, format_instant(report.at)), report_time(report, format_instant(report.stale_at)),
      report.request.zone.name(), report.ledger);
  if (!report.request.job.empty()) list += html("<li>Only job {}</li>\n", report.request.job);
  if (report.request.redact)
    list += Html("<li>Redacted: messages, output and names of units and effects are left out</li>\n");
  list += Html("</ul>\n");
  return list;
}

Html links(const Report& report, bool has_units) {
  Html list(
      "<nav aria-label=\"Parts of this page\">\n<ul>\n<li><a href=\"#attention\">Needs attention</a></li>\n");
  list += Html("<li><a href=\"#jobs\">Jobs</a></li>\n");
  if (has_units) list += Html("<li><a href=\"#units\">Units</a></li>\n");
  if (!report.runs.empty()) list += Html("<li><a href=\"#runs\">Runs</a></li>\n");
  if (!report.recent.empty()) list += Html("<li><a href=\"#attempts\">Attempts</a></li>\n");
  if (!report.effects.empty()) list += Html("<li><a href=\"#effects\">Effects</a></li>\n");
  list += Html("</ul>\n</nav>\n");
  return list;
}

}  // namespace

namespace {

/// The headline broken only where a part ends.
Html headline(const Report& report) {
  Html text;
  const std::string sentence = headline_of(report);
  for (const std::string_view word : split(sentence, ' ')) {
    if (!text.empty()) text += word == "·" ? Html("&nbsp;") : Html(" ");
    text += html("{}", word);
  }
  return text;
}

}  // namespace

std::string report_page(const Report& report) {
  const Html units = units_section(report);
  Html page(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:; "
      "base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"robots\" content=\"noindex, nofollow\">\n<meta name=\"referrer\" "
      "content=\"no-referrer\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n");
  page += html("<title>{} - jobrun</title>\n<style>{}</style>\n</head>\n<body>\n{}", headline_of(report),
               report_style(), strip_shapes());
  page += html("<header>\n<p class=\"name\">jobrun report</p>\n<h1>{}</h1>\n{}{}</header>\n<main>\n",
               headline(report), facts(report), links(report, !units.empty()));
  page += attention_section(report);
  page += jobs_section(report);
  page += units;
  page += runs_section(report);
  page += recent_section(report);
  page += effects_section(report);
  page += html(
      "</main>\n<footer>\n<div class=\"soft small\"><p>The ledger has {} runs, {} attempts and {} effects; "
      "this page "
      "shows the last {} days, {} runs, {} attempts and {} effects of them. <code>jobrun show RUN</code> "
      "tells the "
      "rest.</p>\n<p>jobrun {}</p></div>\n</footer>\n</body>\n</html>\n",
      report.extent.runs, report.extent.attempts, report.extent.effects,
      report.request.last / std::chrono::days(1), report.runs.size(), report.recent.size(),
      report.effects.size(), JOBRUN_VERSION);
  return page.text();
}

}  // namespace jobrun
