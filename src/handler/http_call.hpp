// The `http` handler, in the worker's role: one request for one attempt, as an effect.
// Follows redirects of GET and HEAD on the same origin only; never sends a second request for a failed one.
#pragma once

#include <string>

#include "contract/http_spec.hpp"
#include "contract/manifest_parts.hpp"
#include "contract/native_job.hpp"

namespace jobrun {

struct HttpCallEnd {
  Verdict verdict;
  std::string log;  ///< status and the beginning of the answer, for the attempt's output
};

HttpCallEnd http_call(JobContext& context, const HttpCallSpec& spec, const HttpEnvelope& envelope);

}  // namespace jobrun
