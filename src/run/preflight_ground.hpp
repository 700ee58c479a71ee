// The ground of a preflight's rounds: a private folder with the first state of the ledger in it, and jobrun,
// the reset and the probe called upon it. Gone when it is destroyed. Judges nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "handler/act.hpp"
#include "run/preflight.hpp"

namespace jobrun {

class PreflightGround {
 public:
  PreflightGround(const PreflightRequest& request, const Environment& environment);
  PreflightGround(const PreflightGround&) = delete;
  PreflightGround& operator=(const PreflightGround&) = delete;
  ~PreflightGround();

  Result<void> open(Ledger& ledger);
  /// Everything as it was before the first run.
  Result<void> reset();
  /// jobrun with these words, ended at that boundary (0: at none); its commentary goes to the log.
  Result<ActEnd> call(const std::vector<std::string>& words, int ends_at = 0);
  Result<ActEnd> shell(const std::string& line);

  std::string ledger() const { return path("state") + "/ledger.db"; }
  /// The last line of the log that begins so, without its beginning.
  std::string logged(std::string_view beginning) const;

 private:
  std::string path(const char* name) const { return folder_ + "/" + name; }
  Result<ActEnd> run(std::vector<std::string> argv, int ends_at);

  const PreflightRequest& request_;
  const Environment& environment_;
  std::string folder_;
};

}  // namespace jobrun
