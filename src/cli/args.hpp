// The command line: one table of verbs and options, and the words of one call taken apart by it.
// Help, the man page's test and the parser read the same table. A loop of ours and not a library's parser:
// those at hand bring <iostream>, and its locales cost every call more than the parsing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace jobrun {

struct OptionSpec {
  enum class Takes { nothing, value, values, maybe_value };
  std::string_view name;  ///< "--run-date"
  Takes takes;
  std::string_view value;  ///< "D", for help
  std::string_view help;
  std::string_view brief = {};  ///< "-f", where it is common enough to have one
};

struct VerbSpec {
  std::string_view name;
  std::string_view words;   ///< positional words for help: "JOB", "[JOB]"
  int least = 0, most = 0;  ///< how many of them
  std::string_view summary;
  std::vector<OptionSpec> options;
  bool runs_command = false;  ///< what stands behind `--` is a command, not more words
  bool inside = false;  ///< speaks to the jobrun that it works for: needs no ledger and no jobs directory
};

/// Every verb that this jobrun has, in the order of the help. `run` is the verb of a plain `jobrun JOB ...`.
const std::vector<VerbSpec>& verbs();

class Args {
 public:
  /// Nothing for `jobrun --help` and the like.
  const VerbSpec* verb() const { return verb_; }
  bool has(std::string_view option) const { return options_.find(option) != options_.end(); }
  /// The last value; empty where it was not given.
  std::string value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;
  const std::vector<std::string>& words() const { return words_; }
  /// Behind `--`, for verbs that run a command.
  const std::vector<std::string>& command() const { return command_; }

  bool wants_help = false, wants_version = false;

 private:
  friend Result<Args> parse_args(const std::vector<std::string>& argv);
  const VerbSpec* verb_ = nullptr;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
  std::vector<std::string> words_, command_;
};

/// `argv` without the program's name. Fault::usage: the fault and one hint.
Result<Args> parse_args(const std::vector<std::string>& argv);

std::string help_text(const VerbSpec& verb);
std::string help_overview();
/// The verb that a word was probably meant as.
std::optional<std::string> nearest_verb(std::string_view word);

}  // namespace jobrun
