// Staleness: whether a job's last success is recent enough, by what its manifest promises.
// Pure: what the ledger knows is handed in (run/freshness gathers it), and so is the time. Starts nothing and
// tells nobody; a job that never started is stale in the same way as one that failed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "contract/manifest.hpp"

namespace jobrun {

/// How long after a success the next one is due: `fresh_within`, else `period` and the retry window (within
/// it jobrun itself still tries). Nothing where the manifest has neither: such a job is never stale.
std::optional<Span> freshness_limit(const Manifest& manifest);

struct Freshness {
  enum class State {
    unwatched,  ///< no `fresh_within` and no `period`
    paused,     ///< the whole job is
    fresh,
    awaited,  ///< no success yet, and none is overdue
    stale,    ///< the next success is overdue
  };
  State state = State::unwatched;
  std::optional<Span> limit;
  std::optional<Instant> last_success;
  std::optional<Instant> due;  ///< last success, or `known_since`, and the limit: stale after this instant

  bool is_stale() const { return state == State::stale; }
};
std::string_view word_of(Freshness::State state);

/// `known_since`: where there was no success, when the job was first heard of.
Freshness judge_freshness(std::optional<Span> limit, std::optional<Instant> last_success,
                          std::optional<Instant> known_since, bool paused, Instant now);

/// "last success 3h ago", "stale for 3h: last success 1d 9h ago, one is due within 1d 6h", "stale for 2d: it
/// never succeeded, ...", "no success yet, the first is due in 4h".
std::string phrase_of(const Freshness& freshness, Instant now);

}  // namespace jobrun
