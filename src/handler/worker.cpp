#include "handler/worker.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/civil.hpp"
#include "base/text.hpp"
#include "contract/exit_codes.hpp"
#include "contract/native_job.hpp"
#include "handler/capture.hpp"
#include "handler/channel_client.hpp"
#include "handler/http.hpp"
#include "handler/http_call.hpp"
#include "handler/sender.hpp"

namespace jobrun {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// A worker that can't reach its jobrun must not go on: whatever it did would not be recorded.
[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.what().c_str());
  ::_exit(static_cast<int>(Exit::retry));
}

class WorkerContext final : public JobContext {
 public:
  WorkerContext(ChannelClient channel, const Json& hello)
      : channel_(std::move(channel)),
        job_(environment("JOBRUN_JOB")),
        run_id_(environment("JOBRUN_RUN_ID")),
        run_date_(environment("JOBRUN_RUN_DATE")),
        unit_(environment("JOBRUN_UNIT")),
        attempt_(static_cast<int>(parse_integer(environment("JOBRUN_ATTEMPT"), 1, 1'000'000).value_or(1))),
        config_(hello.at("config")),
        payload_(hello.at("payload")) {
    if (auto now = parse_instant(environment("JOBRUN_NOW")); now) now_ = *now;
  }

  const std::string& job() const override { return job_; }
  const std::string& run_id() const override { return run_id_; }
  const std::string& run_date() const override { return run_date_; }
  const std::string& unit() const override { return unit_; }
  int attempt() const override { return attempt_; }
  Instant now() const override { return now_; }
  const Json& config() const override { return config_; }
  const Json& payload() const override { return payload_; }

  std::optional<std::string> secret(std::string_view name) const override {
    const char* value = std::getenv(std::string(name).c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  }

  std::string cursor(std::string_view stream) override {
    ChannelRequest request;
    request.op = ChannelOp::cursor;
    request.stream = stream;
    return ask(request).at("cursor").as_string();
  }

  void checkpoint(std::string_view cursor, std::string_view stream) override {
    ChannelRequest request;
    request.op = ChannelOp::checkpoint;
    request.stream = stream;
    request.cursor = cursor;
    ask(request);
  }

  bool item_is_done(std::string_view item) override {
    ChannelRequest request;
    request.op = ChannelOp::item_is_done;
    request.item = item;
    return ask(request).at("done").as_bool();
  }

  void item_done(std::string_view item) override {
    ChannelRequest request;
    request.op = ChannelOp::item_done;
    request.item = item;
    ask(request);
  }

  std::optional<Verdict> effect(std::string_view key, const EffectOptions& options,
                                const std::function<Act(const std::string&)>& act) override {
    ChannelRequest request;
    request.op = ChannelOp::intend;
    request.key = key;
    request.scope = options.scope;
    request.fingerprint = options.fingerprint;
    request.policy = options.if_in_doubt;
    request.token_ttl = options.token_ttl;
    auto intent = channel_.ask(request);
    if (!intent && intent.error().fault() == Fault::conflict)
      return Verdict::stop("effect_conflict", intent.error().what());
    if (!intent && intent.error().fault() == Fault::busy)
      return Verdict::retry("effect_busy", intent.error().what());
    if (!intent) give_up(intent.error());
    const std::string state = intent->at("state").as_string();
    if (state == "confirmed") return std::nullopt;
    if (state == "in_doubt") return Verdict::stop("effect_in_doubt", intent->at("message").as_string());

    const std::string token = intent->at("token").as_string();
    const Act done = state == "probe" ? probed(key, options, act, token) : act(token);
    switch (done.outcome) {
      case Act::Outcome::happened:
        request.op = ChannelOp::confirm;
        request.result = done.result;
        ask(request);
        return std::nullopt;
      case Act::Outcome::did_not_happen:
        request.op = ChannelOp::release;
        ask(request);
        return done.verdict;
      case Act::Outcome::unknown:
        request.op = ChannelOp::doubt;
        if (ask(request).at("state").as_string() == "in_doubt")
          return Verdict::stop("effect_in_doubt", "effect " + std::string(key) + ": " + done.verdict.message);
        return done.verdict;
    }
    return std::nullopt;
  }

  void progress(std::string_view message, std::optional<double> fraction) override {
    ChannelRequest request;
    request.op = ChannelOp::progress;
    request.message = message;
    request.fraction = fraction;
    ask(request);
  }

  HttpReply http(const HttpRequest& request) override { return http_.perform(request); }

  void say(const Verdict& verdict) {
    ChannelRequest request;
    request.op = ChannelOp::result;
    request.verdict = verdict;
    ask(request);
  }

 private:
  /// It may have happened in an earlier attempt: asked first, and only done where the answer is no.
  static Act probed(std::string_view key, const EffectOptions& options,
                    const std::function<Act(const std::string&)>& act, const std::string& token) {
    const auto happened = options.probe ? options.probe(token) : std::nullopt;
    if (!happened)
      return {Act::Outcome::unknown, "",
              Verdict::retry("effect_in_doubt",
                             "effect " + std::string(key) + " may have happened and the probe can't tell")};
    return *happened ? Act{} : act(token);
  }

  Json ask(const ChannelRequest& request) {
    auto reply = channel_.ask(request);
    if (!reply) give_up(reply.error());
    return std::move(*reply);
  }

  ChannelClient channel_;
  HttpClient http_;
  std::string job_, run_id_, run_date_, unit_;
  int attempt_;
  Instant now_;
  Json config_, payload_;
};

Verdict run_guarded(NativeJob job, JobContext& context) {
  try {
    return job(context);
  } catch (const std::exception&
               error) {  // a native job is other people's code: the last door before the process ends
    return Verdict::stop("job_threw", std::string("the job threw: ") + error.what());
  }
}

}  // namespace

namespace {

HttpEnvelope envelope_of(const JobContext& context, const Json& hello) {
  HttpEnvelope envelope;
  envelope.job = context.job();
  envelope.run_id = context.run_id();
  envelope.run_date = context.run_date();
  envelope.unit = context.unit();
  envelope.attempt = context.attempt();
  envelope.config = context.config();
  envelope.payload = context.payload();
  envelope.scheduled_at = environment("JOBRUN_SCHEDULED_AT");
  envelope.now = environment("JOBRUN_NOW");
  envelope.deadline = environment("JOBRUN_DEADLINE");
  envelope.traceparent = environment("TRACEPARENT");
  envelope.tracestate = environment("TRACESTATE");
  envelope.max_attempts =
      static_cast<int>(parse_integer(environment("JOBRUN_MAX_ATTEMPTS"), 1, 100).value_or(1));
  envelope.generation = static_cast<int>(hello.at("generation").as_integer());
  return envelope;
}

Verdict verdict_of(const std::string& name, JobContext& context, const Json& hello) {
  if (name == http_worker) {
    const Json& written = hello.at("http_call");
    auto spec = parse_http_call(written.at("http"), written.at("outcomes"));
    if (!spec) return Verdict::stop("bad_request", spec.error().what());
    const HttpCallEnd end = http_call(context, *spec, envelope_of(context, hello));
    std::fputs(end.log.c_str(), stdout);
    std::fflush(stdout);
    return end.verdict;
  }
  const NativeJobEntry* entry = find_native_job(name);
  if (entry == nullptr) return Verdict::stop("unknown_native_job", "this jobrun has no native job " + name);
  return run_guarded(entry->job, context);
}

}  // namespace

int run_worker(const std::string& name) {
  if (name == sender_worker) {
    auto text = read_all(STDIN_FILENO, parcel_limit);
    if (!text || std::fputs(send_parcel(*text).c_str(), stdout) < 0) return static_cast<int>(Exit::internal);
    return std::fflush(stdout) == 0 ? 0 : static_cast<int>(Exit::internal);
  }
  auto channel = ChannelClient::connect(environment("JOBRUN_SOCKET"));
  if (!channel) give_up(channel.error());
  ChannelRequest hello;
  hello.op = ChannelOp::hello;
  hello.run_id = environment("JOBRUN_RUN_ID");
  hello.unit = environment("JOBRUN_UNIT");
  hello.attempt = static_cast<int>(parse_integer(environment("JOBRUN_ATTEMPT"), 1, 1'000'000).value_or(0));
  auto welcome = channel->ask(hello);
  if (!welcome) give_up(welcome.error());
  WorkerContext context(std::move(*channel), *welcome);
  const Verdict verdict = verdict_of(name, context, *welcome);
  context.say(verdict);
  switch (verdict.kind) {
    case VerdictKind::done:
      return static_cast<int>(Exit::done);
    case VerdictKind::retry:
      return static_cast<int>(Exit::retry);
    case VerdictKind::stop:
      return static_cast<int>(Exit::stopped);
  }
  return static_cast<int>(Exit::internal);
}

}  // namespace jobrun
