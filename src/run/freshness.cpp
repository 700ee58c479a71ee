#include "run/freshness.hpp"

#include <sys/stat.h>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "ledger/standing.hpp"

namespace jobrun {

namespace {

std::optional<Instant> instant_of(const std::string& stamp) {
  const auto at = parse_instant(stamp);
  return at ? std::optional<Instant>(*at) : std::nullopt;
}

/// When a file was last written; nothing where it is not there.
std::optional<Instant> written_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return Instant(std::chrono::seconds(info.st_mtim.tv_sec));
}

}  // namespace

Result<Freshness> freshness_of(Ledger& ledger, const Manifest& manifest, Instant now) {
  auto success = whole_success(ledger, manifest.job, now);
  if (!success) return success.error();
  auto paused = is_paused(ledger, manifest.job, now);
  if (!paused) return paused.error();
  std::optional<Instant> last_success, known_since;
  if (*success) {
    last_success = instant_of((*success)->at);
  } else {
    auto heard_of = first_heard_of(ledger, manifest.job);
    if (!heard_of) return heard_of.error();
    known_since = heard_of->empty() ? written_at(path_join(manifest.folder, manifest.job + ".json"))
                                    : instant_of(*heard_of);
  }
  return judge_freshness(freshness_limit(manifest), last_success, known_since, *paused, now);
}

}  // namespace jobrun
