// A JobContext over a ledger in memory, for tests of native jobs; http is real.
// Throws Killed at the n-th point where a kill would be felt: before and after each request and each word to
// the ledger. What the ledger, the job's own store and the peers have then is what a kill leaves.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/civil.hpp"
#include "contract/effect_key.hpp"
#include "contract/native_job.hpp"
#include "handler/http.hpp"

namespace jobrun_test {

struct Killed {};

/// What outlives an attempt.
struct MemoryLedger {
  struct Effect {
    bool confirmed = false;
    bool doubtful = false;
    std::string fingerprint;
    int acts = 0;
  };
  std::map<std::string, std::string> cursors;
  std::map<std::string, Effect> effects;
  int checkpoints = 0;
};

class MemoryContext final : public jobrun::JobContext {
 public:
  MemoryContext(MemoryLedger& ledger, std::string unit, jobrun::Json config)
      : ledger_(ledger), unit_(std::move(unit)), config_(std::move(config)) {}

  std::map<std::string, std::string> secrets;
  jobrun::Instant time = *jobrun::parse_instant("2026-04-13T00:30:00Z");
  int kill_at = 0;  // 0: never
  int points = 0;
  int requests = 0;

  const std::string& job() const override { return job_; }
  const std::string& run_id() const override { return run_id_; }
  const std::string& run_date() const override { return run_date_; }
  const std::string& unit() const override { return unit_; }
  int attempt() const override { return 1; }
  jobrun::Instant now() const override { return time; }
  const jobrun::Json& config() const override { return config_; }
  const jobrun::Json& payload() const override { return payload_; }
  std::optional<std::string> secret(std::string_view name) const override {
    const auto found = secrets.find(std::string(name));
    return found == secrets.end() ? std::nullopt : std::optional(found->second);
  }

  std::string cursor(std::string_view stream) override { return ledger_.cursors[std::string(stream)]; }
  void checkpoint(std::string_view cursor, std::string_view stream) override {
    point();
    ledger_.cursors[std::string(stream)] = cursor;
    ++ledger_.checkpoints;
    point();
  }
  bool item_is_done(std::string_view) override { return false; }
  void item_done(std::string_view) override {}

  std::optional<jobrun::Verdict> effect(
      std::string_view key, const jobrun::EffectOptions& options,
      const std::function<jobrun::Act(const std::string& token)>& act) override {
    point();
    const auto [found, is_new] = ledger_.effects.try_emplace(std::string(key));
    MemoryLedger::Effect& effect = found->second;
    if (!is_new && effect.fingerprint != options.fingerprint)
      return jobrun::Verdict::stop("effect_conflict", std::string(key));
    if (effect.confirmed) return std::nullopt;
    if (!is_new && options.if_in_doubt != jobrun::IfInDoubt::resend)
      return jobrun::Verdict::stop("effect_in_doubt", std::string(key));
    effect.fingerprint = options.fingerprint;
    ++effect.acts;
    point();
    jobrun::Act done = act(jobrun::idempotency_token(job_, key));
    point();
    if (done.outcome == jobrun::Act::Outcome::did_not_happen) ledger_.effects.erase(found);
    if (done.outcome == jobrun::Act::Outcome::unknown) effect.doubtful = true;
    if (done.outcome != jobrun::Act::Outcome::happened) return std::move(done.verdict);
    effect.confirmed = true;
    point();
    return std::nullopt;
  }
  void progress(std::string_view, std::optional<double>) override {}
  jobrun::HttpReply http(const jobrun::HttpRequest& request) override {
    point();
    ++requests;
    jobrun::HttpReply reply = client_.perform(request);
    point();
    return reply;
  }

 private:
  void point() {
    if (++points == kill_at) throw Killed{};
  }

  MemoryLedger& ledger_;
  std::string job_ = "invoice_sync", run_id_ = "nightly-2026-04-12", run_date_ = "2026-04-12";
  std::string unit_;
  jobrun::Json config_, payload_;
  jobrun::HttpClient client_;
};

}  // namespace jobrun_test
