#include "cli/args.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <memory>
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

Error usage(std::string what, std::string hint) {
  return Error(Fault::usage, std::move(what), std::move(hint));
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
  return usage("unknown option " + printable(name), near ? "did you mean " + *near + "?" : hint_for(verb));
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : verbs()) names.emplace_back(verb.name);
  return names;
}

Error wrong_words(const VerbSpec& verb, const std::vector<std::string>& words, bool verb_was_said) {
  // `jobrun retyr invoice_sync`: a job's name has no word behind it, so the first was meant as a verb.
  if (!verb_was_said && words.size() > 1) {
    if (const auto near = nearest(words[0], verb_names()))
      return usage("unknown verb " + printable(words[0]), "did you mean " + *near + "?");
  }
  if (static_cast<int>(words.size()) > verb.most)
    return usage("unexpected word " + printable(words[static_cast<std::size_t>(verb.most)]), hint_for(verb));
  return usage(fmt::format("{} is missing", verb.words), hint_for(verb));
}

/// What CLI11 would say in its own words, said in ours: an option given twice, without its value, or with one
/// that it does not take.
std::optional<Error> misused_option(const VerbSpec& verb, const std::vector<std::string>& argv) {
  for (const auto& option : verb.options) {
    int times = 0;
    for (std::size_t i = 0; i < argv.size(); ++i) {
      const std::string_view word = argv[i];
      if (word.substr(0, word.find('=')) != option.name) continue;
      const bool with_value = word.find('=') != std::string_view::npos;
      ++times;
      if (option.takes == OptionSpec::Takes::nothing && with_value)
        return usage(fmt::format("{} takes no value", option.name),
                     fmt::format("write {} alone", option.name));
      const bool wants_value =
          option.takes == OptionSpec::Takes::value || option.takes == OptionSpec::Takes::values;
      if (wants_value && !with_value && (i + 1 == argv.size() || argv[i + 1].starts_with("--")))
        return usage(fmt::format("{} needs a value", option.name),
                     fmt::format("{} {}", option.name, option.value));
    }
    if (times > 1 && option.takes != OptionSpec::Takes::values)
      return usage(fmt::format("{} is given twice", option.name), "say it once");
  }
  return std::nullopt;
}

}  // namespace

Result<Args> parse_args(const std::vector<std::string>& argv) {
  Args args;
  args.verb_ = find_verb("run");
  if (argv.empty())
    return usage("no job and no verb",
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
    return usage("this version of jobrun has no verb " + argv[0], "jobrun --help lists those it has");
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
  const std::vector<std::string> front(argv.begin() + static_cast<std::ptrdiff_t>(first), dashes);
  const std::vector<std::string> behind(dashes == argv.end() ? dashes : dashes + 1, argv.end());
  if (const auto misused = misused_option(*args.verb_, front)) return *misused;
  CLI::App app;
  app.set_help_flag("");
  app.allow_extras(true);
  std::deque<std::vector<std::string>> values;
  std::vector<std::pair<const OptionSpec*, CLI::Option*>> defined;
  // An option costs 10 us to set up, so only those are that stand on this line; any other word with a dash
  // comes back as an extra.
  const auto stands_here = [&](std::string_view name) {
    return std::any_of(front.begin(), front.end(),
                       [&](std::string_view word) { return word.substr(0, word.find('=')) == name; });
  };
  for (const auto& option : args.verb_->options) {
    if (!stands_here(option.name)) continue;
    if (option.takes == OptionSpec::Takes::maybe_value &&
        std::find(front.begin(), front.end(), option.name) != front.end()) {
      args.options_[std::string(option.name)] =
          {};  // `--wait JOB`: its value comes behind a `=` or not at all
      continue;
    }
    const std::string name(option.name);
    CLI::Option* made = nullptr;
    if (option.takes == OptionSpec::Takes::nothing) {
      made = app.add_flag(name);
      made->disable_flag_override();
    } else {
      made = app.add_option(name, values.emplace_back());
      made->expected(1);
      made->multi_option_policy(option.takes == OptionSpec::Takes::values ? CLI::MultiOptionPolicy::TakeAll
                                                                          : CLI::MultiOptionPolicy::Throw);
      made->allow_extra_args(false);
    }
    defined.emplace_back(&option, made);
  }
  std::vector<std::string> reversed(front.rbegin(), front.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return usage(printable(error.what()), hint_for(*args.verb_));
  }
  for (const auto& [option, made] : defined)
    if (made->count() > 0)
      args.options_[std::string(option->name)] =
          option->takes == OptionSpec::Takes::nothing ? std::vector<std::string>{} : made->results();
  for (const auto& word : app.remaining()) {
    if (args.has(word)) continue;
    if (word.starts_with('-') && word != "-") return unknown_option(*args.verb_, word);
    args.words_.push_back(word);
  }
  auto& rest = args.verb_->runs_command ? args.command_ : args.words_;
  rest.insert(rest.end(), behind.begin(), behind.end());
  const int count = static_cast<int>(args.words_.size());
  if (count < args.verb_->least || count > args.verb_->most)
    return wrong_words(*args.verb_, args.words_, first > 0);
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
    std::string left(option.name);
    if (option.takes == OptionSpec::Takes::maybe_value)
      left += fmt::format("[={}]", option.value);
    else if (!option.value.empty())
      left += fmt::format(" {}", option.value);
    text += left.size() > 24 ? fmt::format("  {}\n{:28}{}\n", left, "", option.help)
                             : fmt::format("  {:<26}{}\n", left, option.help);
  }
  return text;
}

std::string help_overview() {
  std::string text =
      "usage: jobrun JOB --run-date D [OPTION]...\n"
      "       jobrun VERB ...\n\n"
      "Does one run of one job for one date: once, resuming where it stopped, and says by its exit code\n"
      "whether the scheduler should be content (0), call again (75, 83, 74) or fetch a person (the "
      "rest).\n\n";
  for (const auto& verb : verbs()) text += fmt::format("  {:<12}{}\n", verb.name, verb.summary);
  text += "\nexit codes:\n";
  for (const auto& row : exit_table())
    text += fmt::format("  {:>3}  {:<10}{}\n", static_cast<int>(row.code), row.word, row.advice);
  return text + "\n`jobrun VERB --help` shows a verb's options, `jobrun run --help` those of a run.\n";
}

}  // namespace jobrun
