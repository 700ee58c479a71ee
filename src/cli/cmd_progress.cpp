// jobrun progress MESSAGE: a word for whoever watches.
#include <cstdlib>

#include "cli/inside.hpp"

namespace jobrun {

Result<Exit> cmd_progress(const Session& session) {
  ChannelRequest request;
  request.op = ChannelOp::progress;
  request.message = session.args.words().front();
  if (session.args.has("--fraction")) {
    const std::string word = session.args.value("--fraction");
    char* end = nullptr;
    const double fraction = std::strtod(word.c_str(), &end);
    if (word.empty() || *end != '\0' || !(fraction >= 0 && fraction <= 1))
      return usage_error("--fraction: \"" + word + "\" is not a number from 0 to 1",
                         "for example --fraction 0.5");
    request.fraction = fraction;
  }
  if (auto told = ask_jobrun(session, request); !told) return told.error().during("progress");
  return Exit::done;
}

}  // namespace jobrun
