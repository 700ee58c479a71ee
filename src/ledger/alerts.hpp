// Alerts: transitions that somebody is to be told of, and the outbox of letters that tell them.
// Theory: a row of `alerts` is written in the transaction that records its transition, so that a kill neither
// loses nor doubles it. Later, and before anything is sent, open alerts are composed into letters, one per
// target, with an id and a body that never change. A letter waits until it is sent or given up. Sends
// nothing. Functions named `add_`, `compose_` and `end_` run inside Ledger::write().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/alerts.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// `run` 0: of the job as a whole. `composed`: nobody is to be told.
Result<void> add_alert(Ledger& ledger, std::string_view job, std::int64_t run, const AlertFact& fact,
                       bool composed);
/// The last alert on a unit, or on the job as a whole (unit ''): an index look-up.
struct LastAlert {
  AlertEvent event = AlertEvent::recovered;
  std::string since;
};
Result<std::optional<LastAlert>> last_alert(Ledger& ledger, std::string_view job, std::string_view unit);

/// Something is to be composed, or a letter is due at `now`: two index look-ups.
Result<bool> has_mail(Ledger& ledger, Instant now);

/// Alerts of one run, or of one job as a whole, that are not composed.
struct OpenAlerts {
  std::string job;
  std::int64_t run = 0;
};
Result<std::vector<OpenAlerts>> open_alerts(Ledger& ledger);
Result<std::vector<AlertFact>> open_facts(Ledger& ledger, const OpenAlerts& of);
/// They are told, or nobody wants to know.
Result<void> compose_alerts(Ledger& ledger, const OpenAlerts& of);
Result<void> add_letter(Ledger& ledger, std::string_view job, std::string_view target, const Json& body,
                        Instant now);

struct Letter {
  std::int64_t id = 0;
  std::string token, job, target, body, state, error;
  std::string written_at, next_at;
  int tries = 0;
};
/// Letters to be tried at `now`, the longest due first, `most` of them.
Result<std::vector<Letter>> due_letters(Ledger& ledger, Instant now, int most);
/// Letters that wait after a failed try, and those that were given up; newest first.
Result<std::vector<Letter>> undelivered_letters(Ledger& ledger, int most);
/// After a try: sent, given_up, or waiting until `again`. What was given up at a target that works now
/// lapses.
Result<void> end_letter(Ledger& ledger, const Letter& letter, std::string_view state,
                        std::optional<Instant> again, std::string_view error);

}  // namespace jobrun
