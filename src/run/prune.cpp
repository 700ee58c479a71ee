#include "run/prune.hpp"

#include <poll.h>

#include <algorithm>

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/manifest.hpp"

namespace jobrun {

namespace {

/// A call may bring a run on for a long time, or a retry window: it is remembered while attempts of that
/// time may be.
constexpr Span longest_call = std::chrono::hours(24 * 30);
constexpr Span longest_pause = std::chrono::milliseconds(100);

Result<Span> longest_window(Ledger& ledger) {
  auto manifests = stored_manifests(ledger);
  if (!manifests) return manifests.error();
  Span longest{};
  for (const auto& [job, text] : *manifests)
    if (auto manifest = parse_manifest(job, job, text); manifest)
      longest = std::max(longest, Span(manifest->retry.window));
  return longest;
}

/// Whoever waited for the ledger gets it between two batches: it is left alone for as long as it was held.
void leave_to_others(Span held) {
  const Span pause = std::clamp(held, Span(1), longest_pause);
  ::poll(nullptr, 0, static_cast<int>(pause.count()));
}

}  // namespace

Result<PruneReport> prune(Ledger& ledger, const PruneRequest& request, const Clock& clock) {
  PruneReport report;
  auto token = longest_token_life(ledger);
  if (!token) return token.error();
  auto window = longest_window(ledger);
  if (!window) return window.error();
  Span keys = request.keys;
  for (const auto& [floor, what] :
       {std::pair(Span(*token), "the longest life of a token"),
        std::pair(*window, "the longest retry window"), std::pair(request.attempts, "the age of attempts")}) {
    if (floor <= keys) continue;
    keys = floor;
    report.raised = fmt::format("keys are kept for {}, {}", format_duration(floor), what);
  }
  const Instant now = clock.wall();
  report.attempts_before = now - request.attempts;
  report.keys_before = now - keys;
  const PruneAges ages{
      report.attempts_before, report.keys_before,
      std::min(report.keys_before, report.attempts_before - std::max(longest_call, *window))};
  auto pruning =
      Pruning::begin(ledger, ages, now, request.dry_run ? Pruning::Mode::count : Pruning::Mode::remove);
  if (!pruning) return pruning.error();
  while (true) {
    const Span before = clock.steady();
    auto more = pruning->step();
    if (!more) return more.error();
    if (!*more) break;
    if (!request.dry_run) leave_to_others(clock.steady() - before);
  }
  report.rows = pruning->rows();
  auto files = prune_output_files(ledger, !request.dry_run);
  if (!files) return files.error();
  report.output_files = *files;
  return report;
}

}  // namespace jobrun
