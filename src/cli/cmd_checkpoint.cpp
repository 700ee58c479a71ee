// jobrun checkpoint CURSOR: how far the work has come, durable when it returns.
#include "base/text.hpp"
#include "cli/inside.hpp"
#include "contract/envelope.hpp"

namespace jobrun {

Result<Exit> cmd_checkpoint(const Session& session) {
  ChannelRequest request;
  request.op = ChannelOp::checkpoint;
  request.cursor = session.args.words().front();
  if (session.args.has("--stream")) request.stream = session.args.value("--stream");
  // Written into JSON as UTF-8: another byte would come back as a different cursor.
  if (!is_utf8(request.cursor))
    return usage_error("the cursor is not UTF-8", "encode it, for example as base64");
  if (auto stored = ask_jobrun(session, request); !stored) return stored.error().during("checkpoint");
  return Exit::done;
}

}  // namespace jobrun
