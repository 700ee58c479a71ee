// A configuration file: where the ledger and the jobs are, and what holds for all jobs of a machine or a
// person. read_config finds all faults at once, each with file, line and path. Opens no file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/alerts.hpp"

namespace jobrun {

struct Config {
  std::string ledger, jobs;   ///< absolute; empty: not said
  std::string log_format;     ///< a word of --log-format; empty: not said
  std::string otlp_endpoint;  ///< where spans go, "/v1/traces" left out; empty: nowhere

  std::vector<AlertTarget> alerts;  ///< of jobs whose manifest has none

  static constexpr Span shortest_age = std::chrono::hours(24);
  std::optional<Span> keep_attempts, keep_keys;  ///< what prune forgets, and when; nothing: not said

  std::map<std::string, std::string> said_by;  ///< top-level key -> the file whose word holds
};

/// Reads `text`, the content of the file `path`, over what `config` says already: a later file's word
/// replaces an earlier one's, but nobody moves a ledger that was named before. Fault::setup, one fault per
/// line.
Result<void> read_config(std::string_view path, std::string_view text, Config& config);

/// The keys that read_config accepts: at the top ({}), in "log" or "otlp".
std::vector<std::string> config_key_names(std::string_view object = {});

}  // namespace jobrun
