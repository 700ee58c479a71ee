// A job of two acts that speaks the channel (jobrun-channel(7)), quick to start, since the crash tests start
// it thousands of times: channel_job MODE POLICY NAME... MODE honest; blind (a token of its own for every
// act) and early (acts before it intends) are the wrong twins. An act appends `KEY TOKEN UNIT ATTEMPT` to
// ../outside; where ../crash is, it then kills jobrun and lives on.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "contract/verdict.hpp"
#include "handler/channel_client.hpp"

namespace {

using namespace jobrun;

constexpr int exit_try_again = 75, exit_refused = 70;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Json ask(ChannelClient& channel, ChannelRequest request) {
  auto reply = channel.ask(std::move(request));
  if (reply) return std::move(*reply);
  (void)!write(1, reply.error().what().data(), reply.error().what().size());
  _exit(reply.error().fault() == Fault::gone ? exit_try_again : exit_refused);
}

void act(const std::string& key, const std::string& token) {
  const std::string line =
      key + " " + token + " " + variable("JOBRUN_UNIT") + " " + variable("JOBRUN_ATTEMPT") + "\n";
  const int outside = open("../outside", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (write(outside, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(exit_refused);
  fsync(outside);
  close(outside);
  if (unlink("../crash") != 0) return;
  kill(getppid(), SIGKILL);
  sleep(10);
}

std::string own_token() {
  std::random_device chance;
  return std::to_string(chance()) + std::to_string(chance());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string mode = words.at(0), policy = words.at(1), unit = variable("JOBRUN_UNIT");
  auto channel = ChannelClient::connect(variable("JOBRUN_SOCKET"));
  if (!channel) return exit_try_again;
  ChannelRequest hello;
  hello.run_id = variable("JOBRUN_RUN_ID");
  hello.unit = unit;
  hello.attempt = std::atoi(variable("JOBRUN_ATTEMPT").c_str());
  ask(*channel, hello);
  const auto behind = static_cast<std::size_t>(std::atoi(variable("JOBRUN_CURSOR").c_str()));
  for (std::size_t number = behind + 1; number + 1 < words.size(); ++number) {
    ChannelRequest effect;
    effect.key = words[number + 1] + ":" + unit;
    effect.policy = policy == "resend" ? IfInDoubt::resend : IfInDoubt::stop;
    if (mode == "early") act(effect.key, "early");
    effect.op = ChannelOp::intend;
    const Json reply = ask(*channel, effect);
    const std::string state = reply.at("state").as_string();
    if (state == "in_doubt") {
      ChannelRequest result;
      result.op = ChannelOp::result;
      result.verdict.kind = VerdictKind::stop;
      result.verdict.reason = "effect_in_doubt";
      result.verdict.message = reply.at("message").as_string();
      ask(*channel, result);
      return 0;
    }
    if (state == "intended") {
      if (mode != "early") act(effect.key, mode == "blind" ? own_token() : reply.at("token").as_string());
      effect.op = ChannelOp::confirm;
      effect.result = "ok";
      ask(*channel, effect);
    }
    ChannelRequest checkpoint;
    checkpoint.op = ChannelOp::checkpoint;
    checkpoint.cursor = std::to_string(number);
    ask(*channel, checkpoint);
  }
}
