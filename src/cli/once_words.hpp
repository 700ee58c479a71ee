// The words of `jobrun once`, and where its effect is written down: over the channel of the run that it
// belongs to, or in the ledger itself where a person does it by hand. Runs no command.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/inside.hpp"
#include "ledger/effects.hpp"

namespace jobrun {

struct OnceWords {
  ChannelRequest request;  ///< the intent
  std::string scope;       ///< as `effects --job` takes it
  std::string job;         ///< --job: by hand
  std::string probe;
  std::vector<std::pair<int, int>> doubtful_exits;
  Span timeout{};
  std::vector<std::string> command;

  bool is_doubtful(int exit_code) const;
};
Result<OnceWords> once_words(const Session& session);

class EffectDesk {
 public:
  static Result<EffectDesk> open(const Session& session, const OnceWords& words);
  /// The reply's members; Fault::conflict for other arguments, Fault::busy while somebody else acts on it.
  Result<Json> ask(const ChannelRequest& request);
  /// For the command to inherit; -1 inside of a run, whose processes have theirs.
  int lease() const { return lease_.descriptor(); }

 private:
  explicit EffectDesk(const Clock& clock) : clock_(&clock) {}
  const Clock* clock_;
  std::unique_ptr<ChannelClient> channel_;
  std::unique_ptr<Ledger> ledger_;
  Lease lease_;
  std::string job_;
};

}  // namespace jobrun
