// W3C Trace Context: whose trace a run belongs to, and the ids of its spans.
// A caller's trace is gone on with, its word on sampling included; without one the trace follows from the
// run, so that every call of it is found under one id. Ids of spans follow from names: the same attempt has
// the same span wherever it is asked for. Pure; sends nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jobrun {

struct Trace {
  std::string id;      ///< 32 lower-case hex digits
  std::string parent;  ///< the caller's span, 16 of them; empty: it is ours from the root on
  bool sampled = true;
};

/// Nothing where it is none (https://www.w3.org/TR/trace-context/#traceparent-header): then it is ignored, as
/// the standard asks.
std::optional<Trace> parse_traceparent(std::string_view text);
/// The caller's trace, or the run's own.
Trace trace_of(std::string_view callers_traceparent, std::string_view job, std::string_view run_date,
               std::string_view run_id);
/// 16 hex digits that follow from `name`.
std::string span_id(std::string_view name);
/// What is handed on to who works for the span `parent`.
std::string traceparent(const Trace& trace, std::string_view parent);

}  // namespace jobrun
