#include "contract/otlp.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

std::optional<OtlpSettings> settings(const Variables& variables, const std::string& endpoint = "") {
  return otlp_settings(
      [&](std::string_view name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
      },
      endpoint);
}

std::string url(const Variables& variables, const std::string& endpoint = "") {
  const auto made = settings(variables, endpoint);
  return made ? made->url : "none";
}

}  // namespace

TEST_CASE("spans go where the standard's variables say, else where the configuration says, else nowhere") {
  CHECK(url({}) == "none");
  CHECK(url({}, "http://a:4318/") == "http://a:4318/v1/traces");
  CHECK(url({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:4318"}}, "http://a:4318") ==
        "http://b:4318/v1/traces");
  CHECK(url({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"},
             {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/x"}}) == "http://c/x");
  const Variables to_b = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"}};
  for (const auto& [name, value] : Variables{{"OTEL_SDK_DISABLED", "true"},
                                             {"OTEL_TRACES_EXPORTER", "none"},
                                             {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}) {
    Variables off = to_b;
    off[name] = value;
    CHECK(url(off) == "none");
  }
}

TEST_CASE(
    "headers and resource attributes are pairs, percent-encoded; what could forge a header is left out") {
  const auto made =
      settings({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"},
                {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x, junk,a=b%0d%0aEvil: 1,c=%zz"},
                {"OTEL_RESOURCE_ATTRIBUTES", "service.name=old,deployment.environment=prod"},
                {"OTEL_SERVICE_NAME", "billing"},
                {"OTEL_EXPORTER_OTLP_TIMEOUT", "500"}});
  REQUIRE(made);
  CHECK(made->headers ==
        std::vector<std::pair<std::string, std::string>>{{"authorization", "Bearer x"}, {"c", "%zz"}});
  CHECK(made->resource ==
        std::vector<std::pair<std::string, std::string>>{{"deployment.environment", "prod"},
                                                         {"service.name", "billing"},
                                                         {"service.version", JOBRUN_VERSION}});
  CHECK(made->timeout == 500ms);
  CHECK(settings({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"}})->timeout == 2s);
  CHECK(settings({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"}, {"OTEL_EXPORTER_OTLP_TIMEOUT", "3600000"}})
            ->timeout == 10s);
}

TEST_CASE("the body is OTLP's JSON: hex ids, numbers of 64 bits as text, enums as numbers") {
  const auto made = settings({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"}});
  TraceSpan span;
  span.id = "00f067aa0ba902b7";
  span.parent = "00f067aa0ba902b8";
  span.name = "sync attempt";
  span.start = Instant(1s);
  span.end = Instant(1500ms);
  span.attributes = {{"jobrun.unit", "a"}, {"process.exit.code", 75}};
  span.error = "exit_75: later\xff";
  span.follows = "00f067aa0ba902b9";
  const std::string body = otlp_body(*made, Trace{"4bf92f3577b34da6a3ce929d0e0e4736", "", true}, {span});
  const auto json = Json::parse(body);
  REQUIRE(json);
  const Json& scope = json->at("resourceSpans").items()[0].at("scopeSpans").items()[0];
  const Json& sent = scope.at("spans").items()[0];
  CHECK(sent.at("traceId").as_string() == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(sent.at("parentSpanId").as_string() == span.parent);
  CHECK(sent.at("kind").as_integer() == 1);
  CHECK(sent.at("startTimeUnixNano").as_string() == "1000000000");
  CHECK(sent.at("endTimeUnixNano").as_string() == "1500000000");
  CHECK(sent.at("attributes").items()[1].at("value").at("intValue").as_string() == "75");
  CHECK(sent.at("links").items()[0].at("spanId").as_string() == span.follows);
  CHECK(sent.at("status").at("code").as_integer() == 2);
  CHECK(sent.at("status").at("message").as_string() == "exit_75: later\xef\xbf\xbd");
}
