#include "handler/http_words.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "contract/http_spec.hpp"
#include "handler/http.hpp"

namespace jobrun {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

std::string fault_of(const HttpRequest& request) {
  if (!is_token(request.method)) return "the method is not a word";
  if (request.url.empty() || has_control(request.url)) return "the URL is empty or has a control character";
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return "the name of a header is not a word";
    if (has_control(value)) return "the header " + name + " has a control character";
  }
  return {};
}

std::string place_of(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return printable(clip(url.substr(url.rfind('@') + 1), 200));
  const std::size_t host = scheme + 3;
  const std::size_t path = std::min(url.find('/', host), url.size());
  const std::size_t user = url.substr(host, path - host).rfind('@');
  const std::size_t shown = user == std::string_view::npos ? host : host + user + 1;
  return printable(clip(std::string(url.substr(0, host)).append(url.substr(shown)), 200));
}

std::string origin_of(std::string_view url) {
  const std::string place = place_of(url);
  const std::size_t scheme = place.find("://");
  return scheme == std::string::npos ? "that address" : place.substr(0, place.find('/', scheme + 3));
}

bool Mail::is_local() const {
  const std::string place = origin_of(url);
  const std::size_t scheme = place.find("://");
  if (scheme == std::string::npos) return false;
  const std::string_view host = std::string_view(place).substr(scheme + 3);
  return host.starts_with("[::1]") || host.substr(0, host.rfind(':')) == "localhost" ||
         host.substr(0, host.rfind(':')) == "127.0.0.1";
}

}  // namespace jobrun
