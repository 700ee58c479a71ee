#include "handler/http.hpp"

#include <curl/curl.h>  // constants and types; the functions come by dlsym
#include <dlfcn.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "base/text.hpp"
#include "handler/http_words.hpp"

namespace jobrun {
namespace {

using Failure = HttpReply::Failure;

constexpr std::size_t header_limit = 256 * 1024;  // bytes, interim (1xx) answers and trailers included

struct Library {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

bool find_all(void* library, Library& f) {
  return find(library, "curl_global_init", f.global_init) && find(library, "curl_easy_init", f.easy_init) &&
         find(library, "curl_easy_setopt", f.easy_setopt) &&
         find(library, "curl_easy_perform", f.easy_perform) &&
         find(library, "curl_easy_getinfo", f.easy_getinfo) &&
         find(library, "curl_easy_reset", f.easy_reset) &&
         find(library, "curl_easy_cleanup", f.easy_cleanup) &&
         find(library, "curl_easy_strerror", f.easy_strerror) &&
         find(library, "curl_slist_append", f.slist_append) &&
         find(library, "curl_slist_free_all", f.slist_free_all);
}

/// What comes in, with its limits.
struct Received {
  std::size_t body_limit = 0;
  std::size_t header_bytes = 0;
  bool header_too_large = false;
  bool body_too_large = false;
  std::string body;
  std::string retry_after, should_retry, quota_left;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

// The callbacks are called from C: nothing may be thrown through it. Another count than the given one ends
// the transfer.
extern "C" {
static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& received = *static_cast<Received*>(to);
  received.header_bytes += count;
  if (received.header_bytes > header_limit) {
    received.header_too_large = true;
    return 0;
  }
  const std::string_view line(bytes, count);
  if (line.substr(0, 5) == "HTTP/")  // an interim answer went before
    for (std::string* value : {&received.retry_after, &received.should_retry, &received.quota_left})
      value->clear();
  const std::string_view name = line.substr(0, std::min(line.find(':'), line.size()));
  std::string* value = equal_ignoring_case(name, "retry-after")             ? &received.retry_after
                       : equal_ignoring_case(name, "stripe-should-retry")   ? &received.should_retry
                       : equal_ignoring_case(name, "x-ratelimit-remaining") ? &received.quota_left
                                                                            : nullptr;
  if (value == nullptr || name.size() == line.size()) return count;
  try {
    *value = clip(trim(line.substr(name.size() + 1)), 200);
  } catch (...) {
    return 0;
  }
  return count;
}

static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& received = *static_cast<Received*>(to);
  if (count > received.body_limit - received.body.size()) {
    received.body_too_large = true;
    return 0;
  }
  try {
    received.body.append(bytes, count);
  } catch (...) {
    return 0;
  }
  return count;
}

/// What is left to read of a mail.
static std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* from) {
  auto& left = *static_cast<std::string_view*>(from);
  const std::size_t taken = left.copy(buffer, size * count);
  left.remove_prefix(taken);
  return taken;
}

static curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
}

/// 6-world 5.3. `sent` decides first: a code says what failed, not whether the other side has the request.
Failure failure_of(CURLcode code, bool sent) {
  switch (code) {
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_TOO_MANY_REDIRECTS:
      return Failure::refused_by_us;
    case CURLE_OPERATION_TIMEDOUT:
      return sent ? Failure::timed_out : Failure::not_sent;
    case CURLE_UNSUPPORTED_PROTOCOL:  // of the URL; but also an answer that is no HTTP, after it was sent
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_FILE_COULDNT_READ_FILE:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_SETOPT_OPTION_SYNTAX:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
    case CURLE_REMOTE_ACCESS_DENIED:
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR:
      return sent ? Failure::connection_lost : Failure::refused_by_us;
    default:  // a foreign enum that grows: what is not known to be final may pass
      return sent ? Failure::connection_lost : Failure::not_sent;
  }
}

long milliseconds(Span span) {  // 0 would be "no limit"
  return static_cast<long>(std::clamp<Span::rep>(span.count(), 1, 1'000'000'000));
}

HttpReply refused(std::string message) {
  HttpReply reply;
  reply.failure = Failure::refused_by_us;
  reply.message = std::move(message);
  return reply;
}

}  // namespace

struct HttpClient::Curl {
  std::string name;  // of the library
  Library f;
  CURL* easy = nullptr;

  ~Curl() {
    if (easy != nullptr) f.easy_cleanup(easy);
  }

  /// Empty, or why curl can't be used. The library is never unloaded: it has state of its own.
  std::string load() {
    if (easy != nullptr) return {};
    void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return name + " is missing (apt-get install libcurl4)";
    if (!find_all(library, f)) return name + " is too old (apt-get install libcurl4)";
    // With NOSIGNAL curl leaves SIGPIPE to us, and OpenSSL writes with write(2).
    std::signal(SIGPIPE, SIG_IGN);
    if (f.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) easy = f.easy_init();
    return easy == nullptr ? name + " can't be started" : std::string();
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    if (f.easy_setopt(easy, option, value) != CURLE_OK && refused_option == 0) refused_option = option;
  }

  template <class Value>
  Value info(CURLINFO which, Value otherwise) {
    Value value{};
    return f.easy_getinfo(easy, which, &value) == CURLE_OK && value != Value{} ? value : otherwise;
  }

  void set_policy() {
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_HTTP09_ALLOWED, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    const char* certificates = std::getenv("SSL_CERT_FILE");
    if (certificates != nullptr && *certificates != '\0') set(CURLOPT_CAINFO, certificates);
    set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(CURLOPT_ACCEPT_ENCODING, "gzip");
  }

  void set_request(const HttpRequest& request) {
    const bool head = request.method == "HEAD";
    const bool get = request.method == "GET" && request.body.empty();
    set(CURLOPT_URL, request.url.c_str());
    if (!request.ca_file.empty()) {
      set(CURLOPT_CAINFO, request.ca_file.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connect_timeout));
    set(CURLOPT_TIMEOUT_MS, milliseconds(request.timeout));
    if (head) {
      set(CURLOPT_NOBODY, 1L);
    } else if (get) {
      set(CURLOPT_HTTPGET, 1L);
    } else {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
      if (request.method != "POST") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    if (request.method != "GET" && !head) {
      // On a kept connection that turns out dead curl sends again by itself, whatever the method
      // (Curl_retry_request). On a new one it never does.
      set(CURLOPT_FRESH_CONNECT, 1L);
      set(CURLOPT_FORBID_REUSE, 1L);
    }
  }

  /// False where memory ran out; the list is then incomplete and must not be used.
  bool add_header(curl_slist*& list, const std::string& line) {
    curl_slist* longer = f.slist_append(list, line.c_str());
    if (longer == nullptr) return false;
    list = longer;
    return true;
  }

  bool add_headers(curl_slist*& list, const HttpRequest& request) {
    bool typed = false;
    for (const auto& [field, value] : request.headers) {
      // "Name;" is curl's way to say an empty value; "Name:" would leave the header out.
      if (!add_header(list, value.empty() ? field + ";" : field + ": " + value)) return false;
      typed = typed || equal_ignoring_case(field, "content-type");
    }
    // No second round trip before a long body, and no form type that nobody asked for.
    return add_header(list, "Expect:") && (typed || add_header(list, "Content-Type:"));
  }

  HttpReply exchange(const HttpRequest& request, const std::string& place);
  HttpReply send(const Mail& mail, const std::string& place);

  CURLoption refused_option{};
};

HttpReply HttpClient::Curl::exchange(const HttpRequest& request, const std::string& place) {
  std::array<char, CURL_ERROR_SIZE> told{};
  Received received;
  received.body_limit = request.body_limit;
  const auto free_list = [this](curl_slist* list) { f.slist_free_all(list); };
  curl_slist* list = nullptr;
  const bool complete = add_headers(list, request);
  const std::unique_ptr<curl_slist, decltype(free_list)> owner(list, free_list);

  refused_option = {};
  f.easy_reset(easy);  // keeps the connections
  set_policy();
  set_request(request);
  set(CURLOPT_HTTPHEADER, list);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &received);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &received);
  set(CURLOPT_ERRORBUFFER, told.data());
  if (!complete) return refused(place + ": out of memory");
  if (refused_option != 0)
    return refused(place + ": libcurl does not take option " + std::to_string(refused_option));

  const CURLcode code = f.easy_perform(easy);
  f.easy_setopt(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));  // it ends with this call
  HttpReply reply;
  reply.request_sent = info(CURLINFO_REQUEST_SIZE, 0L) > 0;
  const int status = static_cast<int>(info(CURLINFO_RESPONSE_CODE, 0L));
  if (const char* type = info<const char*>(CURLINFO_CONTENT_TYPE, nullptr)) reply.content_type = type;
  reply.retry_after = std::move(received.retry_after);
  reply.should_retry = std::move(received.should_retry);
  reply.quota_used = received.quota_left == "0";
  if (const char* to = info<const char*>(CURLINFO_REDIRECT_URL, nullptr)) reply.redirect_url = to;
  if (code == CURLE_OK) {
    reply.status = status;
    reply.body = std::move(received.body);
    return reply;
  }
  if (received.header_too_large || received.body_too_large) {
    reply.failure = Failure::too_large;
    reply.status = received.body_too_large ? status : 0;
    reply.message = place + (received.body_too_large ? ": the answer is longer than " +
                                                           std::to_string(request.body_limit) + " bytes"
                                                     : ": the header of the answer is longer than 256 KiB");
    return reply;
  }
  reply.failure = failure_of(code, reply.request_sent);
  const std::string_view words = told[0] != '\0' ? std::string_view(told.data()) : f.easy_strerror(code);
  reply.message = reply.failure == Failure::timed_out
                      ? place + ": no whole answer within " + format_duration(request.timeout)
                      : place + ": " + printable(clip(words, 200));
  return reply;
}

HttpReply HttpClient::Curl::send(const Mail& mail, const std::string& place) {
  const auto free_list = [this](curl_slist* list) { f.slist_free_all(list); };
  curl_slist* list = nullptr;
  bool complete = true;
  for (const auto& one : mail.to) complete = complete && add_header(list, one);
  const std::unique_ptr<curl_slist, decltype(free_list)> owner(list, free_list);
  std::string_view left = mail.message;
  std::array<char, CURL_ERROR_SIZE> told{};

  refused_option = {};
  f.easy_reset(easy);
  set_policy();
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_URL, mail.url.c_str());
  // A password never travels in the clear, but to this machine; without one TLS is used where it is offered.
  set(CURLOPT_USE_SSL, long{mail.is_local()     ? CURLUSESSL_NONE
                            : mail.user.empty() ? CURLUSESSL_TRY
                                                : CURLUSESSL_ALL});
  if (!mail.user.empty()) {
    set(CURLOPT_USERNAME, mail.user.c_str());
    set(CURLOPT_PASSWORD, mail.password.c_str());
  }
  set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(mail.timeout));
  set(CURLOPT_TIMEOUT_MS, milliseconds(mail.timeout));
  set(CURLOPT_MAIL_FROM, mail.from.c_str());
  set(CURLOPT_MAIL_RCPT, list);
  set(CURLOPT_UPLOAD, 1L);
  set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.message.size()));
  set(CURLOPT_READFUNCTION, &on_read);
  set(CURLOPT_READDATA, &left);
  set(CURLOPT_ERRORBUFFER, told.data());
  if (!complete) return refused(place + ": out of memory");
  if (refused_option != 0)
    return refused(place + ": libcurl does not take option " + std::to_string(refused_option));

  const CURLcode code = f.easy_perform(easy);
  f.easy_setopt(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  HttpReply reply;
  reply.status = static_cast<int>(info(CURLINFO_RESPONSE_CODE, 0L));
  if (code == CURLE_OK) return reply;
  reply.failure = failure_of(code, false);
  const std::string_view words = told[0] != '\0' ? std::string_view(told.data()) : f.easy_strerror(code);
  reply.message = place + ": " + printable(clip(words, 200));
  return reply;
}

HttpClient::HttpClient(std::string library) : curl_(std::make_unique<Curl>()) {
  curl_->name = std::move(library);
}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

HttpReply HttpClient::perform(const HttpRequest& request) {
  const std::string place = place_of(request.url);
  if (const std::string fault = fault_of(request); !fault.empty()) return refused(place + ": " + fault);
  if (const std::string fault = curl_->load(); !fault.empty()) return refused(fault);
  return curl_->exchange(request, place);
}

HttpReply HttpClient::send(const Mail& mail) {
  const std::string place = place_of(mail.url);
  if (const std::string fault = curl_->load(); !fault.empty()) return refused(fault);
  return curl_->send(mail, place);
}

std::string HttpClient::obstacle() {
  return curl_->load();
}

}  // namespace jobrun
