#include "cli/complete.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "cli/args.hpp"
#include "cli/emit.hpp"
#include "cli/screen.hpp"
#include "ledger/history.hpp"
#include "ledger/names.hpp"
#include "run/catalog.hpp"
#include "run/places.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_offered = 500;

bool is_placeholder(std::string_view token) {
  return !token.empty() && token[0] >= 'A' && token[0] <= 'Z';
}

/// "[show JOB|set JOB VALUE]" -> {{"show", "JOB"}, {"set", "JOB", "VALUE"}}.
std::vector<std::vector<std::string_view>> alternatives_of(std::string_view words) {
  std::vector<std::vector<std::string_view>> all;
  if (words.starts_with('[')) words = words.substr(1, words.size() - 2);
  if (words.empty()) return all;
  for (const std::string_view one : split(words, '|')) all.push_back(split(one, ' '));
  return all;
}

class Completion {
 public:
  Completion(const std::vector<std::string>& line, const Environment& environment)
      : line_(line), environment_(environment), typed_(line.empty() ? "" : line.back()) {}

  Offer run() {
    if (line_.size() < 2) return first_word();
    read_line();
    if (behind_dashes_) {
      offer_.files = true;
    } else if (option_ != nullptr) {
      values(*option_);
    } else if (const auto equals = typed_.find('=');
               typed_.starts_with("--") && equals != std::string::npos) {
      lead_ = typed_.substr(0, equals + 1);
      typed_.erase(0, equals + 1);
      if (const OptionSpec* option = option_named(lead_.substr(0, equals)); option != nullptr)
        values(*option);
    } else if (typed_.starts_with('-')) {
      options();
    } else {
      word();
      if (offer_.words.empty() && !offer_.files && typed_.empty()) options();
    }
    return std::move(offer_);
  }

 private:
  void add(const std::string& word, std::string_view about = {}) {
    if (!word.starts_with(typed_) || offer_.words.size() >= most_offered) return;
    if (printable(word) != word || !offered_.insert(word).second) return;
    offer_.words.push_back({lead_ + word, std::string(about)});
  }
  void add_all(const Result<std::vector<std::string>>& words, std::string_view about) {
    if (!words) return;
    for (const auto& word : *words) add(word, about);
  }

  Offer first_word() {
    if (typed_.starts_with('-')) {
      add("--help", "the verbs and exit codes");
      add("--version", "the version");
      return std::move(offer_);
    }
    for (const auto& verb : verbs()) add(std::string(verb.name), verb.summary);
    jobs();
    return std::move(offer_);
  }

  const OptionSpec* option_named(std::string_view name) const {
    for (const auto& option : verb_->options)
      if (option.name == name) return &option;
    return nullptr;
  }

  /// What stands before the word that is typed.
  void read_line() {
    std::size_t at = 0;
    for (const auto& verb : verbs()) {
      if (verb.name == "run") verb_ = verb_ == nullptr ? &verb : verb_;
      if (verb.name != line_[0]) continue;
      verb_ = &verb;
      at = 1;
    }
    for (; at + 1 < line_.size(); ++at) {
      const std::string& word = line_[at];
      if (word == "--" && verb_->runs_command) {
        behind_dashes_ = true;
        return;
      }
      if (!word.starts_with("--")) {
        words_.push_back(word);
        continue;
      }
      const OptionSpec* option = option_named(word.substr(0, word.find('=')));
      if (option == nullptr) continue;
      used_.insert(option->name);
      if (option->takes != OptionSpec::Takes::value && option->takes != OptionSpec::Takes::values) continue;
      if (const auto equals = word.find('='); equals != std::string::npos) {
        given(option->name, word.substr(equals + 1));
      } else if (at + 2 == line_.size()) {
        option_ = option;
      } else {
        given(option->name, line_[++at]);
      }
    }
  }

  void given(std::string_view option, const std::string& value) {
    if (option == "--ledger") ledger_flag_ = value;
    if (option == "--jobs") jobs_flag_ = value;
    if (option == "--job") job_ = value;
  }

  const Places* places() {
    if (!places_) {
      auto found = find_places(ledger_flag_, jobs_flag_, environment_);
      if (!found) return nullptr;
      places_ = std::move(*found);
    }
    return &*places_;
  }

  Ledger* ledger() {
    if (!ledger_ && places() != nullptr) {
      auto opened = Ledger::open(places()->ledger, Ledger::Purpose::look);
      if (opened) ledger_ = std::move(*opened);
    }
    return ledger_ ? &*ledger_ : nullptr;
  }

  void jobs() {
    if (places() != nullptr) add_all(job_names(places()->jobs), "job");
    if (ledger() != nullptr) add_all(jobs_that_ran(*ledger()), "job");
  }

  /// The job that the line is about: a word of it, or that of the run that it names.
  std::string job() {
    if (!job_.empty()) return job_;
    const std::size_t place = verb_->name == "cursor" ? 1 : 0;
    if (words_.size() <= place) return "";
    const std::string& name = words_[place];
    if (verb_->words != "RUN" || ledger() == nullptr) return name;
    auto runs = find_runs_named(*ledger(), name);
    return runs && !runs->empty() ? runs->front().job : name;
  }

  void options() {
    for (const auto& option : verb_->options)
      if (option.takes == OptionSpec::Takes::values || !used_.contains(option.name))
        add(std::string(option.name), option.help);
    if (typed_.starts_with('-')) add("--help", "the options of this verb");
  }

  void values(const OptionSpec& option) {
    const std::string_view name = option.name;
    if (name == "--ledger" || name == "--jobs" || name == "--dir") offer_.files = true;
    if (name == "--job") jobs();
    if (name == "--if-in-doubt")
      for (const char* policy : {"stop", "resend", "probe"}) add(policy);
    if (name == "--at")
      for (const char* token : {"daily@02:00", "hourly@00", "every@15m"}) add(token);
    if (name == "--run-date" || name == "--from" || name == "--to") {
      if (name == "--run-date")
        for (const char* token : {"today", "yesterday", "daily@02:00", "hourly@00", "every@15m"}) add(token);
      if (ledger() != nullptr) add_all(run_dates_beginning(*ledger(), job(), typed_), "a run's date");
    }
    if (ledger() == nullptr) return;
    if (name == "--unit") add_all(units_beginning(*ledger(), job(), typed_), "unit");
    if (name == "--run-id") add_all(run_ids_beginning(*ledger(), typed_), "run");
  }

  /// A word of the verb's own, by the place where it stands.
  void word() {
    const auto alternatives = alternatives_of(verb_->words);
    const std::size_t place = words_.size();
    for (const auto& alternative : alternatives) {
      if (place > 0 && alternative[0] != words_[0] && !is_placeholder(alternative[0])) continue;
      if (place < alternative.size()) {
        token(alternative[place]);
      } else if (alternative.size() == 1 && place < alternatives.back().size() &&
                 !is_placeholder(alternative[0])) {
        token(alternatives.back()[place]);  // "show|confirm|release KEY": the KEY is that of each
      }
    }
  }

  void token(std::string_view token) {
    if (token.starts_with('[')) token = token.substr(1, token.size() - 2);
    if (!is_placeholder(token)) return add(std::string(token));
    if (token.starts_with("FILE")) offer_.files = true;
    if (token == "JOB" || token == "RUN") jobs();
    if (token == "SCHEDULER")
      for (const Scheduler& one : schedulers()) add(std::string(one.name));
    if (ledger() == nullptr) return;
    if (token == "RUN") add_all(run_ids_beginning(*ledger(), typed_), "run");
    if (token == "KEY" && verb_->name == "effects")
      add_all(open_keys_beginning(*ledger(), job_, typed_), "in doubt");
  }

  const std::vector<std::string>& line_;
  const Environment& environment_;
  std::string typed_;  // of the word, or of the value behind its `=`
  std::string lead_;   // what stands before that value
  const VerbSpec* verb_ = nullptr;
  const OptionSpec* option_ = nullptr;  // whose value is typed
  bool behind_dashes_ = false;
  std::vector<std::string> words_;  // of the verb's own, before
  std::set<std::string_view> used_;
  std::string ledger_flag_, jobs_flag_, job_;
  std::optional<Places> places_;
  std::optional<Ledger> ledger_;
  std::set<std::string> offered_;
  Offer offer_;
};

}  // namespace

Offer offer_for(const std::vector<std::string>& line, const Environment& environment) {
  return Completion(line, environment).run();
}

int complete(const std::vector<std::string>& line, const Environment& environment) {
  const Offer offer = offer_for(line, environment);
  std::string text;
  for (const auto& [word, about] : offer.words)
    text += about.empty() ? word + "\n" : word + "\t" + about + "\n";
  if (offer.files) text += ":files\n";
  print_out(text);
  return 0;
}

}  // namespace jobrun
