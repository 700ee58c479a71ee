#include "contract/otlp.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr Span longest_delay = std::chrono::seconds(10);

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    out += low >= 0 ? static_cast<char>(high * 16 + low) : text[i];
    if (low >= 0) i += 2;
  }
  return out;
}

/// "a=b,c=d" as W3C Baggage writes it; what is no pair is passed over.
std::vector<std::pair<std::string, std::string>> pairs_in(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string_view one : split(text, ',')) {
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(trim(one.substr(0, equals)));
    std::string value = percent_decoded(trim(one.substr(equals + 1)));
    // A header that could begin another one is no header.
    const bool clean = std::none_of(value.begin(), value.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (!name.empty() && clean && printable(name) == name) pairs.emplace_back(name, std::move(value));
  }
  return pairs;
}

Json attribute(std::string name, const Json& value) {
  Json typed = value.is_string() ? Json::object().set("stringValue", to_utf8(value.as_string()))
                                 : Json::object().set("intValue", std::to_string(value.as_integer()));
  return Json::object().set("key", std::move(name)).set("value", std::move(typed));
}

std::string nanoseconds(Instant at) {
  return std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

Json span_json(const Trace& trace, const TraceSpan& span) {
  Json json = Json::object().set("traceId", trace.id).set("spanId", span.id);
  if (!span.parent.empty()) json.set("parentSpanId", span.parent);
  json.set("name", span.name).set("kind", 1);  // SPAN_KIND_INTERNAL
  json.set("startTimeUnixNano", nanoseconds(span.start)).set("endTimeUnixNano", nanoseconds(span.end));
  Json attributes = Json::array();
  for (const auto& [name, value] : span.attributes) attributes.push(attribute(name, value));
  json.set("attributes", std::move(attributes));
  if (!span.follows.empty()) {
    Json links = Json::array();
    links.push(Json::object().set("traceId", trace.id).set("spanId", span.follows));
    json.set("links", std::move(links));
  }
  if (!span.error.empty())
    json.set("status", Json::object().set("code", 2).set("message", to_utf8(span.error)));
  return json;
}

}  // namespace

std::optional<OtlpSettings> otlp_settings(const std::function<std::string(std::string_view)>& variable,
                                          const std::string& endpoint) {
  const auto either = [&](const std::string& rest) {
    std::string own = variable("OTEL_EXPORTER_OTLP_TRACES_" + rest);
    return own.empty() ? variable("OTEL_EXPORTER_OTLP_" + rest) : own;
  };
  const std::string protocol = either("PROTOCOL"), exporter = variable("OTEL_TRACES_EXPORTER");
  if (variable("OTEL_SDK_DISABLED") == "true" || (!exporter.empty() && exporter != "otlp"))
    return std::nullopt;
  if (protocol == "grpc") return std::nullopt;  // its port takes no JSON

  OtlpSettings settings;
  settings.url = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");  // as it stands; the others are a base
  if (settings.url.empty()) {
    const std::string general = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    settings.url = general.empty() ? endpoint : general;
    while (settings.url.ends_with('/')) settings.url.pop_back();
    if (settings.url.empty()) return std::nullopt;
    settings.url += "/v1/traces";
  }
  settings.headers = pairs_in(either("HEADERS"));
  settings.resource = pairs_in(variable("OTEL_RESOURCE_ATTRIBUTES"));
  const auto drop = [&](std::string_view name) {
    std::erase_if(settings.resource, [&](const auto& one) { return one.first == name; });
  };
  std::string service = variable("OTEL_SERVICE_NAME");
  for (const auto& [name, value] : settings.resource)
    if (name == "service.name" && service.empty()) service = value;
  drop("service.name");
  settings.resource.emplace_back("service.name", service.empty() ? "jobrun" : service);
  drop("service.version");
  settings.resource.emplace_back("service.version", JOBRUN_VERSION);
  settings.certificates = either("CERTIFICATE");
  if (const auto wait = parse_integer(either("TIMEOUT"), 1, 3'600'000))
    settings.timeout = std::min(Span(*wait), longest_delay);
  return settings;
}

std::string otlp_body(const OtlpSettings& settings, const Trace& trace, const std::vector<TraceSpan>& spans) {
  Json resource = Json::array(), list = Json::array();
  for (const auto& [name, value] : settings.resource) resource.push(attribute(name, Json(value)));
  for (const TraceSpan& span : spans) list.push(span_json(trace, span));
  Json scope = Json::object()
                   .set("scope", Json::object().set("name", "jobrun").set("version", JOBRUN_VERSION))
                   .set("spans", std::move(list));
  Json scopes = Json::array();
  scopes.push(std::move(scope));
  Json of_resource = Json::object()
                         .set("resource", Json::object().set("attributes", std::move(resource)))
                         .set("scopeSpans", std::move(scopes));
  Json resources = Json::array();
  resources.push(std::move(of_resource));
  return Json::object().set("resourceSpans", std::move(resources)).dump();
}

}  // namespace jobrun
