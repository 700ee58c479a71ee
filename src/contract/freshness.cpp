#include "contract/freshness.hpp"

#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

std::optional<Span> freshness_limit(const Manifest& manifest) {
  if (manifest.fresh_within) return manifest.fresh_within;
  if (manifest.period)
    return *manifest.period + manifest.retry.window;  // a window is never longer than a period
  return std::nullopt;
}

std::string_view word_of(Freshness::State state) {
  switch (state) {
    case Freshness::State::unwatched:
      return "unwatched";
    case Freshness::State::paused:
      return "paused";
    case Freshness::State::fresh:
      return "fresh";
    case Freshness::State::awaited:
      return "awaited";
    case Freshness::State::stale:
      return "stale";
  }
  return "";
}

Freshness judge_freshness(std::optional<Span> limit, std::optional<Instant> last_success,
                          std::optional<Instant> known_since, bool paused, Instant now) {
  Freshness freshness;
  freshness.limit = limit;
  freshness.last_success = last_success;
  if (!limit) return freshness;
  if (const auto since = last_success ? last_success : known_since; since) freshness.due = *since + *limit;
  if (paused)
    freshness.state = Freshness::State::paused;
  else if (freshness.due && now > *freshness.due)
    freshness.state = Freshness::State::stale;
  else
    freshness.state = last_success ? Freshness::State::fresh : Freshness::State::awaited;
  return freshness;
}

std::string phrase_of(const Freshness& freshness, Instant now) {
  const std::string success =
      freshness.last_success ? fmt::format("last success {} ago", format_age(now - *freshness.last_success))
                             : "no success yet";
  switch (freshness.state) {
    case Freshness::State::unwatched:
    case Freshness::State::fresh:
      return success;
    case Freshness::State::paused:
      return success + ", paused";
    case Freshness::State::awaited:
      return freshness.due
                 ? fmt::format("{}, the first is due in {}", success, format_age(*freshness.due - now))
                 : success;
    case Freshness::State::stale:
      return fmt::format("stale for {}: {}, one is due within {}", format_age(now - *freshness.due),
                         freshness.last_success ? success : "it never succeeded",
                         format_age(*freshness.limit));
  }
  return success;
}

}  // namespace jobrun
