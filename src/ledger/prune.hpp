// Forgetting what is old, a bounded batch at a time: history first (attempts and what hangs on them), then,
// much later, the keys of runs and effects. Promises that what is open, in doubt, paused, retrying or waiting
// to be sent stays; that a (job, unit) keeps its last success, its latest error and its last alert, a job its
// latest run and its last success, a cursor the attempt that it stands on; that a unit's attempts go together
// or not at all; that nothing left refers to what went. Chooses no age and waits for nobody: run/prune does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

struct PruneAges {
  Instant attempts_before;  ///< of units that were done before
  Instant keys_before;      ///< not later than attempts_before
  Instant calls_before;     ///< not later than keys_before
};

/// Rows that went, or would go, by table.
struct PrunedRows {
  struct Table {
    std::string_view name;
    std::int64_t rows = 0;
  };
  std::vector<Table> tables;

  void add(std::string_view table, std::int64_t rows);
  std::int64_t of(std::string_view table) const;
};

/// One walk over the ledger. Each step() looks for the next batch outside of any lock, removes it in one
/// short transaction and says whether there may be more; dropped at any point, the ledger is whole.
class Pruning {
 public:
  enum class Mode { remove, count };
  static Result<Pruning> begin(Ledger& ledger, const PruneAges& ages, Instant now, Mode mode);
  Result<bool> step();
  const PrunedRows& rows() const { return rows_; }

 private:
  Pruning(Ledger& ledger, const PruneAges& ages, Instant now, Mode mode);
  Result<void> keep_what_is_needed();
  Result<bool> remove(std::string_view table, const std::vector<std::int64_t>& ids, const char* sql);
  Result<bool> history();
  Result<bool> pauses();
  Result<bool> alerts();
  Result<bool> letters();
  Result<bool> attempts();
  Result<bool> runs();
  Result<bool> effects();
  Result<bool> settlements();
  Result<bool> calls();
  Result<bool> manifests();
  Result<void> write(const std::function<Result<void>()>& body);

  Ledger* ledger_;
  PruneAges ages_;
  Mode mode_;
  Instant now_;
  PrunedRows rows_;
  int table_ = 0;            // which walk is going on
  std::int64_t behind_ = 0;  // how far it has come
  std::string scope_, key_;  // the same for effects
  bool noted_ = false;       // the ledger knows of this pruning
};

/// The longest life of a token among the effects, in ms.
Result<std::int64_t> longest_token_life(Ledger& ledger);
/// The text of every stored manifest of a job's own; for the longest window.
Result<std::vector<std::pair<std::string, std::string>>> stored_manifests(Ledger& ledger);
/// Output files whose attempt is not in the ledger; `remove`: and takes them away. Answers how many.
Result<std::int64_t> prune_output_files(Ledger& ledger, bool remove);

}  // namespace jobrun
