#include "run/traces.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/trace.hpp"
#include "handler/errand.hpp"
#include "handler/sender.hpp"
#include "run/launch.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_spans = 2000;

/// In this process: a tick with many runs waits for a dead collector only once.
bool collector_failed = false;

Trace trace_for(const World& world, const std::string& job, const std::string& run_date,
                const std::string& run_id) {
  return trace_of(value_of(world.environment, "TRACEPARENT"), job, run_date, run_id);
}

}  // namespace

std::optional<OtlpSettings> Traces::wanted(const World& world, const RunRequest& request,
                                           const std::string& endpoint) {
  if (collector_failed || !trace_for(world, request.job, request.run_date, request.run_id).sampled)
    return std::nullopt;
  return otlp_settings([&](std::string_view name) { return value_of(world.environment, name); }, endpoint);
}

Traces::Traces(const World& world, OtlpSettings settings)
    : world_(world), settings_(std::move(settings)), began_(world.clock.wall()) {}

void Traces::note(const std::string& text) {
  world_.observer.note(text);
}

void Traces::unit_started(const Run& run, const Unit& unit, int attempt) {
  world_.observer.unit_started(run, unit, attempt);
}

void Traces::progress(const Run& run, const Unit& unit, int attempt, const std::string& message,
                      std::optional<double> fraction) {
  world_.observer.progress(run, unit, attempt, message, fraction);
}

void Traces::unit_ended(const Run& run, const Unit& unit, const AttemptEnd& end,
                        const std::vector<std::string>& tail) {
  world_.observer.unit_ended(run, unit, end, tail);
  if (attempts_.size() == most_spans) {
    ++left_out_;
    return;
  }
  TraceSpan span;
  span.id = span_id(attempt_marker(run, unit, unit.attempts));  // what the job was told as its parent
  span.name = run.job + " attempt";
  span.end = world_.clock.wall();
  span.start = span.end - Span(end.wall_ms.value_or(0));
  // The attempt before ran in this trace too, if the trace is the run's own.
  if (unit.attempts > 1 && trace_for(world_, run.job, run.run_date, run.run_id).parent.empty())
    span.follows = span_id(attempt_marker(run, unit, unit.attempts - 1));
  span.attributes = {{"jobrun.job.name", run.job},      {"jobrun.run.id", run.run_id},
                     {"jobrun.run.date", run.run_date}, {"jobrun.unit", unit.unit},
                     {"jobrun.attempt", unit.attempts}, {"jobrun.outcome", std::string(word_of(end.state))}};
  if (end.exit_code) span.attributes.emplace_back("process.exit.code", *end.exit_code);
  if (end.state != AttemptState::done) {
    span.attributes.emplace_back("error.type", end.reason);
    span.error = end.reason + ": " + end.message;
  }
  attempts_.push_back(std::move(span));
}

TraceSpan Traces::call_span(const Answer& answer, const Trace& trace) const {
  const Run& run = *answer.run;
  TraceSpan span;
  // A run that takes several calls has a span for each of them.
  span.id = span_id(fmt::format("{}/{}/{}/{}/{}", trace.id, run.run_id, world_.call.host, world_.call.pid,
                                began_.time_since_epoch().count()));
  span.parent = trace.parent;
  span.name = run.job;
  span.start = began_;
  span.end = world_.clock.wall();
  span.attributes = {{"jobrun.job.name", run.job},
                     {"jobrun.run.id", run.run_id},
                     {"jobrun.run.date", run.run_date},
                     {"jobrun.caller", world_.call.caller},
                     {"jobrun.outcome", std::string(exit_word(answer.exit))},
                     {"process.exit.code", static_cast<int>(answer.exit)}};
  if (left_out_ > 0) span.attributes.emplace_back("jobrun.spans_left_out", left_out_);
  if (answer.exit != Exit::done) {
    span.attributes.emplace_back("error.type", std::string(exit_word(answer.exit)));
    span.error = answer.headline;
  }
  return span;
}

std::string Traces::send(const Answer& answer) {
  if (attempts_.empty() || !answer.run || answer.signal != 0) return "";
  const Trace trace = trace_for(world_, answer.run->job, answer.run->run_date, answer.run->run_id);
  std::vector<TraceSpan> spans = {call_span(answer, trace)};
  for (TraceSpan& span : attempts_) {
    span.parent = spans.front().id;
    spans.push_back(std::move(span));
  }
  HttpRequest request;
  request.method = "POST";
  request.url = settings_.url;
  request.headers = settings_.headers;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = otlp_body(settings_, trace, spans);
  request.timeout = request.connect_timeout = settings_.timeout;
  request.body_limit = 64 * 1024;

  std::vector<Errand> errands;
  auto errand = Errand::start(sender_spec(settings_.certificates), parcel(request),
                              world_.clock.steady() + settings_.timeout);
  if (!errand) return errand.error().what();
  errands.push_back(std::move(*errand));
  Errand::await(errands, world_.clock);
  const Sent how = sent(errands.front().end());
  collector_failed = !how.taken;
  return how.taken ? "" : how.message;
}

}  // namespace jobrun
