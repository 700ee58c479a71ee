// The page's second half: runs told to their end, the latest attempts, effects; and the words that all parts
// share.
#include <algorithm>

#include "base/text.hpp"
#include "cli/report_view.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

namespace {

std::string how_it_ended(const Attempt& attempt) {
  if (attempt.exit_code) return fmt::format("exit {}", *attempt.exit_code);
  return attempt.signal ? signal_name(static_cast<int>(*attempt.signal)) : "";
}

std::string took(const Attempt& attempt) {
  return attempt.wall_ms ? format_age(Span(*attempt.wall_ms)) : "";
}

/// "#2", or "customer_37 #2"
std::string attempt_label(const std::string& unit, int number) {
  return unit == "-" ? fmt::format("#{}", number) : fmt::format("{} #{}", unit, number);
}

Html step_of(const Report& report, const RunAttempt& one) {
  const Attempt& attempt = one.attempt;
  Html item = html("<li class=\"{}\"><div class=\"row\">{}<span>{}</span><span class=\"soft\">{}</span>",
                   mark_kind(attempt.state), report_mark(mark_kind(attempt.state), word_of(attempt.state)),
                   attempt_label(one.unit, attempt.number), report_time(report, attempt.started_at));
  for (const std::string& part : {took(attempt), how_it_ended(attempt), attempt.caller})
    if (!part.empty()) item += html("<span class=\"soft\">{}</span>", part);
  item += Html("</div>");
  if (attempt.state != AttemptState::done && !attempt.reason.empty())
    item += html("<div class=\"small\"><code>{}</code> {}</div>", attempt.reason,
                 clip(attempt.message, most_text));
  if (!attempt.next_at.empty())
    item += html("<div class=\"small soft\">again not before {}</div>", report_time(report, attempt.next_at));
  item += Html("</li>\n");
  return item;
}

Html effect_row(const Report& report, const EffectStory& effect, bool with_run) {
  const bool confirmed = effect.state == "confirmed";
  Html row = html(
      "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><span class=\"mono\">{}</span></th>"
      "<td role=\"cell\" data-label=\"State\">{}</td>",
      clip(effect.key, most_text),
      report_mark(confirmed                    ? "ok"
                  : effect.state == "in_doubt" ? "bad"
                                               : "warn",
                  effect.state == "in_doubt" ? "in doubt" : effect.state));
  if (with_run)
    row +=
        html("<td role=\"cell\" data-label=\"Run\"><div>{}{}</div></td>",
             effect.run_id.empty() ? "by hand" : effect.run_id, effect.unit == "-" ? "" : ", " + effect.unit);
  row += html(
      "<td role=\"cell\" data-label=\"Intended\">{}</td><td role=\"cell\" data-label=\"Confirmed\">{}</td>"
      "<td role=\"cell\" data-label=\"Tries\" class=\"num\">{}</td></tr>\n",
      report_time(report, effect.intended_at), report_time(report, effect.confirmed_at), effect.tries);
  return row;
}

Html effects_table(const Report& report, const std::vector<EffectStory>& effects, bool with_run,
                   std::string_view label) {
  Html rows;
  for (const auto& effect : effects) rows += effect_row(report, effect, with_run);
  return html(
      "<div class=\"sheet\">\n<table role=\"table\" class=\"stack\" aria-label=\"{}\">\n<thead "
      "role=\"rowgroup\"><tr role=\"row\">"
      "<th scope=\"col\" role=\"columnheader\">Key</th><th scope=\"col\" role=\"columnheader\">State</th>{}"
      "<th scope=\"col\" role=\"columnheader\">Intended</th><th scope=\"col\" "
      "role=\"columnheader\">Confirmed</th>"
      "<th scope=\"col\" role=\"columnheader\" class=\"num\">Tries</th></tr></thead>\n<tbody "
      "role=\"rowgroup\">\n{}</tbody>\n"
      "</table>\n</div>\n",
      label, with_run ? Html("<th scope=\"col\" role=\"columnheader\">Run</th>") : Html(), rows);
}

Html story_of(const Report& report, const ReportRun& story, bool open) {
  const Run& run = story.run;
  const std::string counts = run.counts.total() == 1 ? std::string() : ", " + counts_phrase(run.counts);
  Html text = html(
      "<details{}>\n<summary>{}<span role=\"heading\" aria-level=\"3\" class=\"what\">{} {}</span><span "
      "class=\"soft small\">{} attempt{}, {} at "
      "work{}</span></summary>\n"
      "<div class=\"story\" id=\"run-{}\" tabindex=\"-1\">\n",
      open ? Html(" open") : Html(),
      report_mark(mark_kind(run.state), run.state == UnitState::in_doubt ? "in doubt" : word_of(run.state)),
      run.job, run.run_date, story.work.attempts, story.work.attempts == 1 ? "" : "s",
      format_age(story.work.busy), counts, run.id);
  text += html(
      "<p class=\"small soft\">Run <span class=\"mono\">{}</span>{}; made {}, last change {}. "
      "<code>jobrun show {}:{}</code></p>\n",
      run.run_id, run.generation > 1 ? fmt::format(", generation {}", run.generation) : "",
      report_time(report, run.created_at), report_time(report, run.changed_at), run.job, run.run_date);
  if (run.counts.total() > 1 && !story.plights.empty()) {
    text += Html("<h4>Not done</h4>\n<ul>\n");
    for (const auto& plight : story.plights)
      text += html("<li>{} {}{}: {}{}</li>\n", plight.units, word_of(plight.state),
                   plight.reason.empty() ? Html() : html(" (<code>{}</code>)", plight.reason),
                   clip(join(plight.names, ", "), most_text),
                   plight.units > static_cast<std::int64_t>(plight.names.size()) ? ", ..." : "");
    text += Html("</ul>\n");
  }
  text += Html("<h4>Attempts</h4>\n<ol class=\"steps\">\n");
  for (const auto& one : story.attempts) text += step_of(report, one);
  text += Html("</ol>\n");
  const auto told = static_cast<std::int64_t>(story.attempts.size());
  if (story.work.attempts > told)
    text += html("<p class=\"small soft\">{} other attempts are left out.</p>\n", story.work.attempts - told);
  if (!story.effects.empty())
    text +=
        html("<h4>Effects</h4>\n{}", effects_table(report, story.effects, false, "Effects of " + run.run_id));
  if (!story.output.empty())
    text += html("<h4>Last output{}</h4>\n<pre tabindex=\"0\">{}</pre>\n",
                 story.output_of.empty() ? "" : " of " + story.output_of, html_lines(story.output));
  text += Html("</div>\n</details>\n");
  return text;
}

}  // namespace

Html runs_section(const Report& report) {
  if (report.runs.empty()) return {};
  Html section(
      "<section aria-labelledby=\"runs\">\n<h2 id=\"runs\" tabindex=\"-1\">Runs</h2>\n"
      "<p class=\"soft small\">Those that need a person first, then those that moved last.</p>\n");
  bool open = true;  // the first is what somebody came for
  for (const auto& story : report.runs) {
    section += story_of(report, story, open && needs_person(story.run.state));
    open = false;
  }
  section += Html("</section>\n");
  return section;
}

Html recent_section(const Report& report) {
  if (report.recent.empty()) return {};
  Html rows;
  for (const auto& one : report.recent) {
    const Attempt& attempt = one.what.attempt;
    const std::string label = one.job + " " + one.run_date;
    rows += html(
        "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">{}</th><td role=\"cell\" "
        "data-label=\"Attempt\"><div>{}</div></td>",
        one.told ? html("<a href=\"#run-{}\">{}</a>", one.run, label) : html("{}", label),
        attempt_label(one.what.unit, attempt.number));
    rows += html(
        "<td role=\"cell\" data-label=\"Outcome\">{}</td><td role=\"cell\" data-label=\"Started\" "
        "class=\"when\">{}</td>"
        "<td role=\"cell\" data-label=\"Took\" class=\"num\">{}</td>",
        report_mark(mark_kind(attempt.state), word_of(attempt.state)),
        report_time(report, attempt.started_at), took(attempt));
    const bool quiet = attempt.state == AttemptState::done || attempt.reason.empty();
    rows += html("<td role=\"cell\" data-label=\"Why\"{}><div>{}</div></td></tr>\n",
                 quiet ? Html(" class=\"empty\"") : Html(),
                 quiet ? Html() : html("<code>{}</code> {}", attempt.reason, clip(attempt.message, 160)));
  }
  return html(
      "<section aria-labelledby=\"attempts\">\n<h2 id=\"attempts\" tabindex=\"-1\">Recent "
      "attempts</h2>\n<div class=\"sheet\">\n"
      "<table role=\"table\" class=\"stack\" aria-labelledby=\"attempts\">\n<thead role=\"rowgroup\"><tr "
      "role=\"row\">"
      "<th scope=\"col\" role=\"columnheader\">Run</th><th scope=\"col\" role=\"columnheader\">Attempt</th>"
      "<th scope=\"col\" role=\"columnheader\">Outcome</th><th scope=\"col\" "
      "role=\"columnheader\">Started</th>"
      "<th scope=\"col\" role=\"columnheader\" class=\"num\">Took</th><th scope=\"col\" "
      "role=\"columnheader\">Why</th></tr></thead>\n"
      "<tbody role=\"rowgroup\">\n{}</tbody>\n</table>\n</div>\n</section>\n",
      rows);
}

Html effects_section(const Report& report) {
  if (report.effects.empty()) return {};
  return html(
      "<section aria-labelledby=\"effects\">\n<h2 id=\"effects\" tabindex=\"-1\">Effects</h2>\n"
      "<p class=\"soft small\">The latest {} of {}; {} not confirmed.</p>\n{}</section>\n",
      report.effects.size(), report.extent.effects, report.extent.open_effects,
      effects_table(report, report.effects, true, "Effects"));
}

std::string_view mark_kind(UnitState state) {
  switch (state) {
    case UnitState::done:
      return "ok";
    case UnitState::running:
      return "info";
    case UnitState::pending:
    case UnitState::retrying:
      return "warn";
    case UnitState::stopped:
    case UnitState::exhausted:
    case UnitState::in_doubt:
      return "bad";
  }
  return "none";
}

std::string_view mark_kind(AttemptState state) {
  switch (state) {
    case AttemptState::done:
      return "ok";
    case AttemptState::running:
      return "info";
    case AttemptState::retry:
    case AttemptState::interrupted:
      return "warn";
    case AttemptState::stop:
    case AttemptState::crashed:
      return "bad";
  }
  return "none";
}

Html report_mark(std::string_view kind, std::string_view word) {
  return html("<span class=\"mark {}\"><i aria-hidden=\"true\"></i>{}</span>", kind, word);
}

std::string local_text(const Report& report, const std::string& stamp) {
  const auto at = parse_instant(stamp);
  if (!at) return stamp;
  const Zone& zone = report.request.zone;
  const auto time = zone.time_of_day(*at).count();
  return fmt::format("{} {:02}:{:02}", format_date(zone.date(*at)), time / 3600, time / 60 % 60);
}

Html report_time(const Report& report, const std::string& stamp) {
  if (stamp.empty()) return Html("<span class=\"soft\">-</span>");
  const auto at = parse_instant(stamp);
  if (!at) return html("{}", stamp);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*at);
  std::string utc = format_instant_short(seconds);
  std::replace(utc.begin(), utc.end(), 'T', ' ');
  utc.pop_back();
  return html("<time datetime=\"{}\" title=\"{} UTC\">{}</time>", stamp, utc, local_text(report, stamp));
}

Html report_step(std::string_view step) {
  Html text;
  const auto parts = split(step, '`');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % 2 == 0) {
      text += html("{}", parts[i]);
      continue;
    }
    // What is to be typed stands on a line of its own; a command within a sentence does not.
    const std::string_view after = i + 1 < parts.size() ? trim(parts[i + 1]) : "";
    const bool own_line = after.empty() || after == "and" || after.starts_with('(');
    text += html("<code{}>{}</code>", own_line ? Html(" class=\"cmd\"") : Html(), parts[i]);
  }
  return text;
}

std::string counts_phrase(const Run::Counts& counts) {
  const std::pair<int, std::string_view> parts[] = {
      {counts.done, "done"},          {counts.in_doubt, "in doubt"}, {counts.exhausted, "exhausted"},
      {counts.stopped, "stopped"},    {counts.retrying, "retrying"}, {counts.running, "running"},
      {counts.pending, "not started"}};
  std::vector<std::string> words;
  for (const auto& [count, word] : parts)
    if (count > 0) words.push_back(fmt::format("{} {}", count, word));
  return join(words, ", ");
}

}  // namespace jobrun
