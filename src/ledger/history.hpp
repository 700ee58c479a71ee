// Reading back: how jobs stand, what needs a person, which effects are in doubt. For screens: grows with what
// is shown, not with the ledger. Changes nothing but settle_effect, which is a person's word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

/// Names of all jobs that ever ran; one index look-up each, whatever the number of runs.
Result<std::vector<std::string>> jobs_that_ran(Ledger& ledger);
/// When the job last ended `done`, and for which date.
struct Success {
  std::string at, run_date;
};
Result<std::optional<Success>> last_success(Ledger& ledger, std::string_view job);
/// The same for one unit, in any run.
Result<std::string> last_unit_success(Ledger& ledger, std::string_view job, std::string_view unit);
/// Whether a run of the job that was not pruned has a unit of this name.
Result<bool> has_had_unit(Ledger& ledger, std::string_view job, std::string_view unit);
/// The newest end of an attempt of the job that was not done, as "reason: message".
struct LatestError {
  std::string at, unit, reason, message;
};
Result<std::optional<LatestError>> latest_error(Ledger& ledger, const Run& run);

/// The latest `most` run dates that the job has runs for, newest first; from the index alone. `from` and `to`
/// are labels, both included; empty: no border.
Result<std::vector<std::string>> run_dates_of(Ledger& ledger, std::string_view job, std::string_view from,
                                              std::string_view to, std::int64_t most);

struct Attention {
  std::string kind, job, unit, run_date, state, reason, message, next_action, since;
};
/// Units that stand, effects in doubt, pauses; newest first. Of one job, or of all with an empty name.
Result<std::vector<Attention>> attention(Ledger& ledger, std::string_view job, Instant now);

/// A run with units that wait by a clock which was set back since: their last attempt is dated after `now`.
struct AheadOfClock {
  std::string job, run_date, last_at, next_at;  ///< of the unit that waits longest
  std::int64_t units = 0;
};
Result<std::vector<AheadOfClock>> ahead_of_clock(Ledger& ledger, Instant now);

/// What a job has in the ledger, as sorted words, to be compared with another ledger's.
struct JobPicture {
  std::vector<std::string> cursors;   ///< "UNIT STREAM VALUE"
  std::vector<std::string> effects;   ///< "SCOPE KEY STATE"
  std::vector<std::string> items;     ///< "UNIT ITEM" of the latest run
  std::vector<std::string> in_doubt;  ///< keys of effects that are
};
Result<JobPicture> picture_of(Ledger& ledger, std::string_view job);

/// One effect with all that is known of it.
struct EffectStory {
  std::string scope, key, state, token, job, unit, run_id, run_date, intended_at, confirmed_at, result,
      if_in_doubt;
  std::int64_t attempt = 0;  ///< the number of the last that intended or confirmed it; 0: by hand; -1: pruned
  std::int64_t tries = 0;
  struct Settlement {
    bool happened = false;
    std::string reason, at;
  };
  std::vector<Settlement> settlements;
};
/// By key, and scope unless that is empty; with an empty key the latest `most` of them. Released ones are
/// there only as settlements.
Result<std::vector<EffectStory>> effect_stories(Ledger& ledger, std::string_view scope, std::string_view key,
                                                std::int64_t most);
/// Those that may or may not have happened, the oldest first.
Result<std::vector<EffectStory>> effects_in_doubt(Ledger& ledger, std::string_view scope);
/// A person's word on an effect in doubt: confirmed with `reason` as its result, or released. False where
/// none is open. Inside write().
Result<bool> settle_effect(Ledger& ledger, std::string_view scope, std::string_view key, bool happened,
                           std::string_view reason, Instant now);

}  // namespace jobrun
