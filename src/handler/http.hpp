// One HTTP exchange, tried once: the only door to libcurl.
// The library is loaded at the first call, so that a process that sends nothing does not pay for it. Promises
// http and https only, TLS verified, no redirects, no proxy, no cookies, limits on time, header and decoded
// body, and that a request other than GET or HEAD is never sent a second time behind the caller's back. Does
// not retry and does not judge an answer (verdict_for_http). Not for use from two threads at once.
#pragma once

#include <memory>
#include <string>

#include "contract/native_job.hpp"

namespace jobrun {

class HttpClient {
 public:
  explicit HttpClient(std::string library = "libcurl.so.4");
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// `status` is set only where a whole answer came, or one that is too large.
  HttpReply perform(const HttpRequest& request);

 private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

}  // namespace jobrun
