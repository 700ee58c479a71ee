// jobrun completion: the script that teaches a shell to complete jobrun's words.
//
// The scripts hold no words of their own: they ask `jobrun __complete`, so that one that was installed long
// ago offers what today's jobrun knows.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

constexpr std::string_view bash =
    R"script(# bash completion for jobrun; asks jobrun itself what may stand here
_jobrun() {
  local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} typed kept word
  local -a words=()
  # COMP_WORDS is cut at colons and equals signs, which stand in run ids and options. Not -r: \ keeps a blank.
  read -a words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  typed=${words[${#words[@]}-1]}
  kept=${typed%"${typed##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ $word == :files ]]; then
      compopt -o default 2>/dev/null
      continue
    fi
    word=${word%%$'\t'*}
    printf -v word %q "${word#"$kept"}"
    COMPREPLY+=("$word")
  done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
}
complete -o nosort -F _jobrun jobrun
)script";

constexpr std::string_view zsh = R"script(#compdef jobrun
# zsh completion for jobrun; asks jobrun itself what may stand here
_jobrun() {
  local -a offers typed
  local line word about files=0
  typed=("${(@Q)words[2,CURRENT]}")
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
      continue
    fi
    word=${line%%$'\t'*}
    about=
    [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
    offers+=("${word//:/\\:}:$about")
  done < <("${(Q)words[1]/#\~/$HOME}" __complete "${typed[@]}" 2>/dev/null)
  (( $#offers )) && _describe -V jobrun offers
  (( files )) && _files
}
if [[ $funcstack[1] == _jobrun ]]; then
  _jobrun "$@"
else
  compdef _jobrun jobrun
fi
)script";

constexpr std::string_view fish =
    R"script(# fish completion for jobrun; asks jobrun itself what may stand here
function __jobrun_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l offers ($words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    for offer in $offers
        if test "$offer" = :files
            __fish_complete_path "$typed"
        else
            printf '%s\n' $offer
        end
    end
end
complete -c jobrun -f -k -a '(__jobrun_complete)'
)script";

}  // namespace

Result<Exit> cmd_completion(const Session& session) {
  const std::string& shell = session.args.words().front();
  for (const auto& [name, script] :
       {std::pair("bash", bash), std::pair("zsh", zsh), std::pair("fish", fish)}) {
    if (shell != name) continue;
    print_out(script);
    return Exit::done;
  }
  return usage_error("no completion for " + printable(shell), "bash, zsh and fish there are");
}

}  // namespace jobrun
