// A job's manifest: its note (owner, limits, input) and its handler. Contract 2.9.
// parse_manifest finds all faults at once, each with file, line and path. Reads no other file and resolves no
// secret.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/alerts.hpp"
#include "contract/effect_key.hpp"
#include "contract/http_spec.hpp"
#include "contract/retry.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

/// A unit as it is listed: an id and its own configuration (null, or an object).
struct UnitSpec {
  std::string id;
  Json config;
};

/// `credential:NAME`, `file:PATH` or `env:NAME`.
struct SecretReference {
  enum class Kind { credential, file, environment };
  Kind kind = Kind::environment;
  std::string name;
  std::string text;  ///< as written, for messages
};

struct UnitSource {
  enum class Kind { single, list, file, command, standard_input };
  Kind kind = Kind::single;
  std::vector<UnitSpec> list;        ///< Kind::list
  std::string file;                  ///< Kind::file, relative to the manifest's folder
  std::vector<std::string> command;  ///< Kind::command
};

/// What a `done` has to show, else it is a stop.
struct SuccessCondition {
  std::optional<Span> min_duration;
  std::optional<std::int64_t> min_items;  ///< completed items of the run's unit
};

struct Manifest {
  enum class Handler { command, native, http };

  std::string job;
  std::string folder;  ///< the directory part of `path` (absolute where that is); relative paths of the
                       ///< manifest stand on it
  std::string text;    ///< as read
  std::string hash;    ///< sha256_hex of text

  std::string description, owner, runbook, version;
  std::optional<Span> period, fresh_within;
  std::string timezone = "UTC";
  Handler handler = Handler::command;
  std::vector<std::string> command;  ///< argv; argv[0] beginning with "./" stands in `folder`
  std::string native;                ///< name in jobs/registry
  HttpSpec http;
  Json http_call;  ///< {"http", "outcomes"} as written, for the worker
  SuccessCondition success;
  Span keep = default_keep;
  Json config;   ///< null or an object
  Json payload;  ///< the default payload; null: none
  UnitSource units;
  int parallel = 1;  ///< 1-256
  Span timeout = std::chrono::hours(1);
  Span grace = std::chrono::seconds(10);
  RetryPolicy retry;
  std::vector<OutcomeRule> outcomes;
  int breaker = 0;  ///< consecutive units with the same temporary reason; 0: off
  bool leave_leftovers = false;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> pass_env;
  std::vector<std::pair<std::string, SecretReference>> secrets;
  std::optional<std::vector<AlertTarget>> alerts;  ///< nothing: the configuration's; empty: none
  std::optional<PingSpec> pings;
  std::string workdir;                   ///< empty: the manifest's folder
  std::size_t output_limit = 16 * 1024;  ///< bytes of output kept per attempt, half head, half tail
  std::size_t output_file_limit = 10 * 1024 * 1024;  ///< bytes of it in a file; 0: no file
};

/// How many bytes an attempt's output file takes: never fewer than its row, none where the row takes none.
std::size_t output_file_limit(const Manifest& manifest);

/// `path` names the file in messages: `jobs/backup.json:4: retry.window: "6 hours" is not a duration (...)`.
/// Fault::setup, one fault per line.
Result<Manifest> parse_manifest(std::string_view job, std::string_view path, std::string_view text);

/// The keys that parse_manifest accepts: at the top ({}), or in an object or list of objects by that name.
std::vector<std::string> manifest_key_names(std::string_view object = {});

/// A units list (inline, file or command output): array of ids or of {"id", "config"}; `where` leads each
/// message. Duplicate ids are refused.
Result<std::vector<UnitSpec>> parse_units(const Json& value, std::string_view where);

}  // namespace jobrun
