// Which attempts a run has had, and what each wrote, for reading and following. Grows with what is read: the
// first look goes over the run's own units, later ones only over attempts that are newer than the last look.
// Changes nothing.
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

struct WrittenAttempt {
  std::int64_t id = 0;
  std::string unit;
  int number = 0, pid = 0;
  AttemptState state = AttemptState::running;
  std::string started_at, reason, message, output_head, output_tail;
  std::optional<std::int64_t> exit_code, signal, wall_ms;
  std::int64_t output_bytes = 0, output_cut = 0;
};

/// Ids of a run's attempts in the order they started.
Result<std::vector<std::int64_t>> attempt_ids_of(Ledger& ledger, std::int64_t run);
/// Those of the run among the attempts behind `last`.
Result<std::vector<std::int64_t>> attempt_ids_behind(Ledger& ledger, std::int64_t run, std::int64_t last);
/// The newest attempt of any job; 0: there is none.
Result<std::int64_t> newest_attempt_id(Ledger& ledger);
Result<std::optional<WrittenAttempt>> written_attempt(Ledger& ledger, std::int64_t id);

}  // namespace jobrun
