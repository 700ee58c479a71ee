// The `http` part of a manifest, and `success`. See contract/manifest_parts.hpp.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "contract/manifest_parts.hpp"

namespace jobrun {

namespace {

using namespace std::chrono_literals;

void read_url(const Place& place, HttpSpec& spec) {
  const auto url = read_text(place, 4096);
  if (!url) return;
  const auto host = url->starts_with("https://") ? 8U : url->starts_with("http://") ? 7U : 0U;
  if (host == 0 || url->size() == host || url->find(' ') != std::string::npos)
    return place.fault(in_quotes(*url) + " is not a web address (write https://...)");
  if (url->substr(host, url->find_first_of("/?#", host) - host).find('@') != std::string::npos)
    return place.fault("has a user name or password in it (use a header with a secret)");
  spec.url = *url;
}

void read_method(const Place& place, HttpSpec& spec) {
  static constexpr std::string_view methods[] = {"POST", "GET", "HEAD", "PUT", "PATCH", "DELETE"};
  const std::string& word = place.value.as_string();
  if (std::find(std::begin(methods), std::end(methods), word) == std::end(methods))
    return place.fault("must be \"POST\", \"GET\", \"HEAD\", \"PUT\", \"PATCH\" or \"DELETE\"");
  spec.method = word;
}

void read_headers(const Place& place, HttpSpec& spec) {
  // The length and the framing of the request are the library's, and so is the host.
  static constexpr std::string_view ours[] = {"host", "content-length", "transfer-encoding", "connection",
                                              "expect"};
  if (!expect_object(place)) return;
  for (const auto& [name, value] : place.value.members()) {
    const Place member = place.member(name, value);
    const auto text = read_text(member, 8192);
    if (!is_token(name)) {
      member.fault(in_quotes(name) + " is not the name of a header");
    } else if (std::find(std::begin(ours), std::end(ours), lower_case(name)) != std::end(ours)) {
      member.fault("is set by jobrun itself");
    } else if (text && !secrets_in(*text)) {
      member.fault("has a ${ that is not closed (write ${NAME} of a secret)");
    } else if (text) {
      spec.headers.emplace_back(name, *text);
    }
  }
}

constexpr std::array<Key<HttpSpec::Idempotency>, 3> idempotency_keys = {{
    {"header",
     [](const Place& place, HttpSpec::Idempotency& how) {
       if (!is_token(place.value.as_string())) return place.fault("is not the name of a header");
       how.header = place.value.as_string();
     }},
    {"quoted", [](const Place& place, HttpSpec::Idempotency& how) { keep(read_bool(place), how.quoted); }},
    {"token_ttl",
     [](const Place& place, HttpSpec::Idempotency& how) { keep(read_duration(place, 1s), how.token_ttl); }},
}};

constexpr std::array<Key<HttpSpec>, 7> http_keys = {{
    {"url", read_url},
    {"method", read_method},
    {"headers", read_headers},
    {"idempotency",
     [](const Place& place, HttpSpec& spec) {
       read_members(place, idempotency_keys, spec.idempotency.emplace());
     }},
    {"ca_file", [](const Place& place, HttpSpec& spec) { keep(read_text(place, 4096), spec.ca_file); }},
    {"connect_timeout",
     [](const Place& place, HttpSpec& spec) { keep(read_duration(place, 1ms, 1h), spec.connect_timeout); }},
    {"max_body",
     [](const Place& place, HttpSpec& spec) {
       if (const auto read = read_integer(place, 0, 256 * 1024 * 1024))
         spec.max_body = static_cast<std::size_t>(*read);
     }},
}};

constexpr std::array<Key<SuccessCondition>, 2> success_keys = {{
    {"min_duration",
     [](const Place& place, SuccessCondition& success) { success.min_duration = read_duration(place, 1ms); }},
    {"min_items",
     [](const Place& place, SuccessCondition& success) {
       success.min_items = read_integer(place, 1, 1'000'000'000);
     }},
}};

}  // namespace

std::vector<std::string> http_key_names() {
  return names_of(http_keys);
}
std::vector<std::string> success_key_names() {
  return names_of(success_keys);
}

void read_http(const Place& place, HttpSpec& spec) {
  if (!read_members(place, http_keys, spec)) return;
  if (!place.value.has("url")) place.fault("has no url");
}

void read_success(const Place& place, SuccessCondition& success) {
  read_members(place, success_keys, success);
}

Result<HttpCallSpec> parse_http_call(const Json& http, const Json& outcomes) {
  HttpCallSpec call;
  Faults faults("http");
  read_http(Place{http, {}, faults}, call.http);
  if (!outcomes.is_null()) read_outcomes(Place{outcomes, "outcomes", faults}, call.outcomes);
  if (!faults.none()) return faults.error();
  return call;
}

}  // namespace jobrun
