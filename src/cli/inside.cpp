#include "cli/inside.hpp"

#include "base/text.hpp"
#include "cli/screen.hpp"

namespace jobrun {

bool is_inside(const Session& session) {
  return !value_of(session.environment, "JOBRUN_SOCKET").empty();
}

Result<ChannelClient> channel_of(const Session& session) {
  const Environment& environment = session.environment;
  if (!is_inside(session))
    return usage_error("this is not inside of a run",
                       "a job's script calls it; sudo and ssh drop the JOBRUN_ variables that it needs");
  auto channel = ChannelClient::connect(value_of(environment, "JOBRUN_SOCKET"));
  if (!channel) return channel;
  ChannelRequest hello;
  hello.op = ChannelOp::hello;
  hello.run_id = value_of(environment, "JOBRUN_RUN_ID");
  hello.unit = value_of(environment, "JOBRUN_UNIT");
  hello.attempt =
      static_cast<int>(parse_integer(value_of(environment, "JOBRUN_ATTEMPT"), 1, 1'000'000'000).value_or(0));
  if (auto welcome = channel->ask(hello); !welcome) return welcome.error().during("hello");
  return channel;
}

Result<Json> ask_jobrun(const Session& session, const ChannelRequest& request) {
  auto channel = channel_of(session);
  if (!channel) return channel.error();
  return channel->ask(request);
}

Result<Exit> answer_script(const std::string& text, Exit exit) {
  if (!write_out(text))
    return Error(Fault::ledger, "standard output can't be written: the answer did not arrive");
  return exit;
}

}  // namespace jobrun
