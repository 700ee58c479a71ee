// One HTTP exchange, or one mail by SMTP, tried once: the only door to libcurl.
// The library is loaded at the first call, so that a process that sends nothing does not pay for it. Promises
// http and https only, TLS verified, no redirects, no proxy, no cookies, limits on time, header and decoded
// body, and that a request other than GET or HEAD is never sent a second time behind the caller's back. Does
// not retry and does not judge an answer (verdict_for_http). Not for use from two threads at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contract/native_job.hpp"

namespace jobrun {

/// One message for a mail server (RFC 5321).
struct Mail {
  std::string url;  ///< smtp://host:port or smtps://host:port
  std::string from;
  std::vector<std::string> to;
  std::string user, password;  ///< empty: the server asks for none
  std::string message;         ///< RFC 5322, lines end with CR LF
  Span timeout = std::chrono::seconds(10);

  /// The server is on this machine.
  bool is_local() const;
};

class HttpClient {
 public:
  explicit HttpClient(std::string library = "libcurl.so.4");
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// `status` is set only where a whole answer came, or one that is too large.
  HttpReply perform(const HttpRequest& request);
  /// Taken where `failure` is none. TLS is verified where it is used, and always used for a password that
  /// leaves this machine.
  HttpReply send(const Mail& mail);
  /// Empty, or why nothing can be sent from here and what to install. Sends nothing.
  std::string obstacle();

 private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

}  // namespace jobrun
