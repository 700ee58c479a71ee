// The page's two pictures, inline SVG: a strip of days, and bars of how long runs were at work. Each is one
// image with a name that says what it shows; every shape has its words in a title, and the kinds differ in
// shape.
#include <algorithm>

#include "base/text.hpp"
#include "cli/report_view.hpp"

namespace jobrun {

namespace {

using Kind = ReportDay::Kind;
constexpr int strip_height = 22, bars_height = 26;

std::string_view shape_of(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "d-none";
    case Kind::done:
      return "d-done";
    case Kind::retried:
      return "d-retried";
    case Kind::waiting:
      return "d-waiting";
    case Kind::running:
      return "d-running";
    case Kind::missing:
      return "d-missing";
    case Kind::failed:
      return "d-failed";
  }
  return "d-none";
}

std::string title_of(const ReportDay& day) {
  std::string text = fmt::format("{}: {}", format_date(day.date), word_of(day.kind));
  if (day.runs > 1) text += fmt::format(", {} of {} runs done", day.done, day.runs);
  if (day.missing > 1) text += fmt::format(", {} missing", day.missing);
  return text;
}

}  // namespace

Html strip_shapes() {
  return Html(
      "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"defs\"><defs>"
      "<g id=\"d-none\"><rect class=\"s-none\" x=\"2.5\" y=\"20\" width=\"2\" height=\"2\"/></g>"
      "<g id=\"d-done\"><rect class=\"s-ok\" y=\"7\" width=\"7\" height=\"15\" rx=\"1.5\"/></g>"
      "<g id=\"d-retried\"><rect class=\"s-ok\" y=\"7\" width=\"7\" height=\"15\" rx=\"1.5\"/>"
      "<rect class=\"s-warn\" y=\"2\" width=\"7\" height=\"3\" rx=\"1.5\"/></g>"
      "<g id=\"d-waiting\"><rect class=\"s-warn\" y=\"14\" width=\"7\" height=\"8\" rx=\"1.5\"/></g>"
      "<g id=\"d-running\"><rect class=\"s-info\" x=\".75\" y=\"7.75\" width=\"5.5\" height=\"13.5\" "
      "rx=\"1.5\"/></g>"
      "<g id=\"d-missing\"><rect class=\"s-gap\" x=\".75\" y=\".75\" width=\"5.5\" height=\"20.5\" "
      "rx=\"1.5\"/></g>"
      "<g id=\"d-failed\"><rect class=\"s-bad\" width=\"7\" height=\"22\" rx=\"1.5\"/></g>"
      "</defs></svg>\n");
}

std::string strip_phrase(const ReportJob& job) {
  int done = 0, retried = 0, failed = 0, open = 0;
  std::vector<std::string> missing;
  for (const ReportDay& day : job.days) {
    done += day.kind == Kind::done ? 1 : 0;
    retried += day.kind == Kind::retried ? 1 : 0;
    failed += day.kind == Kind::failed ? 1 : 0;
    open += day.kind == Kind::waiting || day.kind == Kind::running ? 1 : 0;
    if (day.missing > 0) missing.push_back(format_date(day.date));
  }
  std::vector<std::string> parts;
  if (done + retried > 0)
    parts.push_back(fmt::format("{} done{}", done + retried,
                                retried > 0 ? fmt::format(", {} of them after retries", retried) : ""));
  if (failed > 0) parts.push_back(fmt::format("{} need{} a person", failed, failed == 1 ? "s" : ""));
  if (open > 0) parts.push_back(fmt::format("{} open", open));
  if (!missing.empty()) {
    const std::size_t count = missing.size();
    if (count > 3) missing.erase(missing.begin(), missing.end() - 3);
    parts.push_back(
        fmt::format("{} missing ({}{})", count, count > 3 ? "the latest " : "", join(missing, ", ")));
  }
  return parts.empty() ? "no runs" : join(parts, ", ");
}

Html strip_of(const ReportJob& job) {
  constexpr int step = 9;
  const int width = static_cast<int>(job.days.size()) * step - 2;
  Html cells;
  int x = 0;
  for (const ReportDay& day : job.days) {
    cells += html("<use href=\"#{}\" x=\"{}\"><title>{}</title></use>", shape_of(day.kind), x, title_of(day));
    x += step;
  }
  return html(
      "<svg role=\"img\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" aria-label=\"{} days: "
      "{}\">{}</svg>",
      width, strip_height, std::min(width, 40 * step), strip_height, job.days.size(), strip_phrase(job),
      cells);
}

Html bars_of(const ReportJob& job) {
  if (job.bars.empty()) return Html("<span class=\"soft\">-</span>");
  constexpr int step = 5, most = 30;
  Span longest(1);
  for (const auto& bar : job.bars) longest = std::max(longest, bar.busy);
  Html bars;
  int x = (most - static_cast<int>(job.bars.size())) * step;  // the latest stands at the right, for every job
  for (const auto& bar : job.bars) {
    const auto height = std::max<std::int64_t>(2, bar.busy.count() * bars_height / longest.count());
    const std::string_view kind = mark_kind(bar.state);
    bars += html(
        "<rect class=\"s-{}\" x=\"{}\" y=\"{}\" width=\"3.5\" height=\"{}\"><title>{}: {}, {}</title></rect>",
        kind == "info" ? "ok" : kind, x, bars_height - height, height, bar.run_date, format_age(bar.busy),
        word_of(bar.state));
    x += step;
  }
  return html(
      "<svg role=\"img\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" aria-label=\"The last {} runs took "
      "from {} "
      "to {}, the latest {}\">{}</svg>",
      most * step, bars_height, most * step, bars_height, job.bars.size(),
      format_age(std::min_element(job.bars.begin(), job.bars.end(),
                                  [](const auto& a, const auto& b) { return a.busy < b.busy; })
                     ->busy),
      format_age(longest), format_age(job.bars.back().busy), bars);
}

}  // namespace jobrun
