// A shell line taken apart into its commands, as far as it can be without being the shell: words, quotes,
// redirections, and what stands between. Promises never to run anything and never to fail: what it can't
// tell apart stays in one word, and `expands` says that only a shell knows what a word becomes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobrun {

struct ShellCommand {
  std::string before;                   ///< what joins it to the last one: "", ";", "&&", "||", "|", "&", "("
  std::vector<std::string> assigned;    ///< NAME=VALUE words before the command
  std::vector<std::string> words;       ///< without quotes; $(...) and ${...} as they stand
  std::vector<std::string> redirected;  ///< ">/dev/null", "2>&1"
  bool expands = false;                 ///< a $, a backquote, a ~ or a pattern that a shell would act on
  bool looped = false;                  ///< between for, while or until and its done
};

std::vector<ShellCommand> parse_shell_line(std::string_view text);

/// Words as a shell line that is taken apart into the same ones. A word that is only a name behind a $ stays
/// as it is: it is somebody's variable.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace jobrun
