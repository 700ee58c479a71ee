// The sender: jobrun re-exec'ed to make one HTTP exchange, or to hand one mail to a server, and say how it
// went. libcurl is loaded there only, and a peer that hangs touches nobody else.
// What is sent is handed over on standard input, so that no address, header or body stands in a command line
// or an environment. Tries once. Its words never hold more of an address than the host.
#pragma once

#include <string>
#include <string_view>

#include "contract/native_job.hpp"
#include "handler/child.hpp"
#include "handler/errand.hpp"
#include "handler/http.hpp"

namespace jobrun {

/// The worker that sends; no native job has such a name.
inline constexpr const char* sender_worker = "__send";

/// An errand's program; `certificates`: a file to trust instead of the system's, empty for none.
ChildSpec sender_spec(const std::string& certificates);
/// An errand's input.
std::string parcel(const HttpRequest& request);
std::string parcel(const Mail& mail);

/// How it went.
struct Sent {
  bool taken = false;       ///< 2xx, or the mail server has it
  int status = 0;           ///< 0: no whole answer came
  std::string retry_after;  ///< raw
  std::string message;      ///< where it was not taken: for a person, "https://hooks.example.com: HTTP 503"
};
Sent sent(const ErrandEnd& end);

inline constexpr std::size_t parcel_limit = 32 * 1024 * 1024;
/// The child's side: sends what one parcel says and answers with how it went, for sent() to read.
std::string send_parcel(std::string_view text);

}  // namespace jobrun
