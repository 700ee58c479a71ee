// OpenTelemetry over OTLP/HTTP JSON: where spans go, as the standard's variables say it, and the body of a
// request. Nothing is sent where nobody named an endpoint. Pure; sends nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "contract/trace.hpp"

namespace jobrun {

struct OtlpSettings {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers, resource;
  std::string certificates;  ///< a file to trust instead of the system's; empty: none
  Span timeout = std::chrono::seconds(2);
};

/// By OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, _HEADERS, _TIMEOUT, _CERTIFICATE and _PROTOCOL,
/// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_EXPORTER and OTEL_SDK_DISABLED; `endpoint` is the
/// configuration's, which they come before. `variable` answers with a variable's value, empty where it is not
/// set.
std::optional<OtlpSettings> otlp_settings(const std::function<std::string(std::string_view)>& variable,
                                          const std::string& endpoint);

struct TraceSpan {
  std::string id, parent, name;
  Instant start, end;
  std::vector<std::pair<std::string, Json>> attributes;  ///< texts and integers
  std::string error;                                     ///< empty: none
  std::string follows;  ///< the span that this one tries again, in the same trace; empty: none
};

/// The request's body (opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest as JSON).
std::string otlp_body(const OtlpSettings& settings, const Trace& trace, const std::vector<TraceSpan>& spans);

}  // namespace jobrun
