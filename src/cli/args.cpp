#include "cli/args.hpp"

#include <algorithm>
#include <optional>

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/exit_codes.hpp"

namespace jobrun {

std::string Args::value(std::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() || found->second.empty() ? "" : found->second.back();
}

std::vector<std::string> Args::values(std::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? std::vector<std::string>{} : found->second;
}

namespace {

const VerbSpec* find_verb(std::string_view name) {
  for (const auto& verb : verbs())
    if (verb.name == name) return &verb;
  return nullptr;
}

std::string hint_for(const VerbSpec& verb) {
  return verb.name == "run" ? "jobrun --help shows how"
                            : fmt::format("jobrun {} --help shows how", verb.name);
}

Error unknown_option(const VerbSpec& verb, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& option : verb.options) names.emplace_back(option.name);
  const std::string name = word.substr(0, word.find('='));
  const auto near = nearest(name, names);
  return usage_error("unknown option " + printable(name),
                     near ? "did you mean " + *near + "?" : hint_for(verb));
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : verbs()) names.emplace_back(verb.name);
  return names;
}

/// `bare`: an option that may have a value and stands here without one.
Error wrong_words(const VerbSpec& verb, const std::vector<std::string>& words, bool verb_was_said,
                  std::string_view bare) {
  // `jobrun retyr invoice_sync`: a job's name has no word behind it, so the first was meant as a verb.
  if (!verb_was_said && words.size() > 1) {
    if (const auto near = nearest(words[0], verb_names()))
      return usage_error("unknown verb " + printable(words[0]), "did you mean " + *near + "?");
  }
  if (static_cast<int>(words.size()) > verb.most) {
    const std::string& extra = words[static_cast<std::size_t>(verb.most)];
    return usage_error(
        "unexpected word " + printable(extra),
        bare.empty() ? hint_for(verb) : fmt::format("its value is written {}={}", bare, printable(extra)));
  }
  return usage_error(fmt::format("{} is missing", verb.words), hint_for(verb));
}

const OptionSpec* find_option(const VerbSpec& verb, std::string_view name) {
  for (const auto& option : verb.options)
    if (option.name == name) return &option;
  return nullptr;
}

bool wants_value(const OptionSpec& option) {
  return option.takes == OptionSpec::Takes::value || option.takes == OptionSpec::Takes::values;
}

/// `word` as it stands on the line, `next` behind it; `again`: it stood there before.
Result<void> check_option(const VerbSpec& verb, const OptionSpec* option, const std::string& word,
                          const std::string* next, bool again) {
  const bool with_value = word.find('=') != std::string::npos;
  if (option == nullptr) return unknown_option(verb, word);
  if (again && option->takes != OptionSpec::Takes::values)
    return usage_error(fmt::format("{} is given twice", option->name), "say it once");
  if (option->takes == OptionSpec::Takes::nothing && with_value)
    return usage_error(fmt::format("{} takes no value", option->name),
                       fmt::format("write {} alone", option->name));
  if (wants_value(*option) && !with_value && (next == nullptr || next->starts_with("--")))
    return usage_error(fmt::format("{} needs a value", option->name),
                       fmt::format("{} {}", option->name, option->value));
  return {};
}

}  // namespace

Result<Args> parse_args(const std::vector<std::string>& argv) {
  Args args;
  args.verb_ = find_verb("run");
  if (argv.empty())
    return usage_error("no job and no verb",
                       "jobrun --help lists the verbs; a run is `jobrun JOB --run-date today`");
  std::size_t first = 0;
  if (const auto* verb = find_verb(argv[0]); verb != nullptr) {
    args.verb_ = verb;
    first = 1;
  } else if (argv[0] == "help") {
    args.wants_help = true;
    args.verb_ = argv.size() > 1 && find_verb(argv[1]) != nullptr ? find_verb(argv[1]) : nullptr;
    return args;
  } else if (std::find(reserved_words().begin(), reserved_words().end(), argv[0]) != reserved_words().end()) {
    if (argv[0] == "version") {
      args.wants_version = true;
      return args;
    }
    return usage_error("this version of jobrun has no verb " + argv[0], "jobrun --help lists those it has");
  }
  for (const auto& word : argv) {
    if (word == "--") break;
    if (word == "-h" || word == "--help") args.wants_help = true;
    if (word == "--version") args.wants_version = true;
  }
  if (args.wants_help && first == 0 && argv[0].starts_with('-')) args.verb_ = nullptr;
  if (args.wants_help || args.wants_version) return args;

  // Behind `--` nothing is an option.
  const auto dashes = std::find(argv.begin() + static_cast<std::ptrdiff_t>(first), argv.end(), "--");
  if (args.verb_->runs_command && dashes == argv.end())
    return usage_error(fmt::format("{}: no command", args.verb_->name),
                       fmt::format("jobrun {} {} -- COMMAND...; what stands behind -- is run",
                                   args.verb_->name, args.verb_->words));
  std::vector<std::string> front(argv.begin() + static_cast<std::ptrdiff_t>(first), dashes);
  for (const auto& option : args.verb_->options)
    if (!option.brief.empty())
      std::replace(front.begin(), front.end(), std::string(option.brief), std::string(option.name));
  const std::vector<std::string> behind(dashes == argv.end() ? dashes : dashes + 1, argv.end());
  std::string_view bare;
  for (std::size_t i = 0; i < front.size(); ++i) {
    const std::string& word = front[i];
    if (!word.starts_with('-') || word == "-") {
      args.words_.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const OptionSpec* option = find_option(*args.verb_, std::string_view(word).substr(0, equals));
    const std::string* next = i + 1 < front.size() ? &front[i + 1] : nullptr;
    const bool again = option != nullptr && args.has(option->name);
    if (auto right = check_option(*args.verb_, option, word, next, again); !right) return right.error();
    auto& values = args.options_[std::string(option->name)];
    if (equals != std::string::npos) {
      values.push_back(word.substr(equals + 1));
    } else if (wants_value(*option)) {
      values.push_back(front[++i]);
    } else if (option->takes == OptionSpec::Takes::maybe_value) {
      bare = option->name;
    }
  }
  auto& rest = args.verb_->runs_command ? args.command_ : args.words_;
  rest.insert(rest.end(), behind.begin(), behind.end());
  if (first == 0 && !args.words_.empty() && argv[0].starts_with('-') && find_verb(args.words_[0]) != nullptr)
    return usage_error(fmt::format("the verb {} comes first, its options behind it", args.words_[0]),
                       fmt::format("jobrun {} ...", args.words_[0]));
  const int count = static_cast<int>(args.words_.size());
  if (count < args.verb_->least || count > args.verb_->most)
    return wrong_words(*args.verb_, args.words_, first > 0, bare);
  return args;
}

std::optional<std::string> nearest_verb(std::string_view word) {
  return nearest(word, verb_names());
}

std::string help_text(const VerbSpec& verb) {
  std::string text =
      fmt::format("usage: jobrun {}{}{} [OPTION]...{}\n\n{}\n\n", verb.name == "run" ? "" : verb.name,
                  verb.words.empty() || verb.name == "run" ? "" : " ", verb.words,
                  verb.runs_command ? " -- COMMAND..." : "", verb.summary);
  for (const auto& option : verb.options) {
    std::string left =
        (option.brief.empty() ? "" : std::string(option.brief) + ", ") + std::string(option.name);
    if (option.takes == OptionSpec::Takes::maybe_value)
      left += fmt::format("[={}]", option.value);
    else if (!option.value.empty())
      left += fmt::format(" {}", option.value);
    text += left.size() > 24 ? fmt::format("  {}\n{:28}{}\n", left, "", option.help)
                             : fmt::format("  {:<26}{}\n", left, option.help);
  }
  return text;
}

namespace {

/// What the overview says above the first verb of a group; empty for the others.
std::string_view heading_before(std::string_view verb) {
  static constexpr std::pair<std::string_view, std::string_view> headings[] = {
      {"run", "to run"},
      {"pause", "to settle"},
      {"status", "to see what happened"},
      {"jobs", "to see what there is"},
      {"init", "to keep house"},
      {"once", "inside a job's script"},
  };
  for (const auto& [first, heading] : headings)
    if (first == verb) return heading;
  return "";
}

}  // namespace

std::string help_overview() {
  std::string text =
      "usage: jobrun JOB --run-date D [OPTION]...\n"
      "       jobrun VERB ...\n\n"
      "Does one run of one job for one date: once, resuming where it stopped, and says by its exit code\n"
      "whether the scheduler should be content (0), call again (75, 83, 74) or fetch a person (the "
      "rest).\n";
  for (const auto& verb : verbs()) {
    if (const auto heading = heading_before(verb.name); !heading.empty())
      text += fmt::format("\n{}:\n", heading);
    text += fmt::format("  {:<12}{}\n", verb.name, verb.summary);
  }
  text += "\nexit codes:\n";
  for (const auto& row : exit_table())
    text += fmt::format("  {:>3}  {:<10}{}\n", static_cast<int>(row.code), row.word, row.advice);
  return text + "\n`jobrun VERB --help` shows a verb's options, `jobrun run --help` those of a run.\n";
}

}  // namespace jobrun
