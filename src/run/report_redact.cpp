// A report that may leave the house: what a job, a provider or a person wrote in their own words is taken
// away; units and effects get numbers, the same wherever they stand in one report. Names of jobs, dates,
// states and reason codes stay.
#include <map>

#include "base/format.hpp"
#include "run/next_step.hpp"
#include "run/report.hpp"

namespace jobrun {

namespace {

class Numbers {
 public:
  explicit Numbers(std::string word) : word_(std::move(word)) {}
  std::string operator()(const std::string& name) {
    if (name == "-" || name == "(all)" || name.empty()) return name;
    const auto [place, is_new] = seen_.try_emplace(name, seen_.size() + 1);
    return fmt::format("{} {}", word_, place->second);
  }

 private:
  std::string word_;
  std::map<std::string, std::size_t> seen_;
};

void take_away(std::string& text) {
  if (!text.empty()) text = "(left out)";
}

void redact(std::vector<Plight>& plights, Numbers& units) {
  for (auto& plight : plights) {
    take_away(plight.message);
    for (auto& name : plight.names) name = units(name);
  }
}

void redact(std::vector<EffectStory>& effects, Numbers& units, Numbers& keys) {
  for (auto& effect : effects) {
    effect.key = keys(effect.scope + " " + effect.key);
    effect.unit = units(effect.unit);
    take_away(effect.result);
    for (auto& settlement : effect.settlements) take_away(settlement.reason);
  }
}

}  // namespace

void redact(Report& report) {
  Numbers units("unit"), keys("effect");
  for (auto& matter : report.matters) {
    const bool by_hand = matter.kind == "pause";
    if (by_hand) take_away(matter.reason);
    take_away(matter.message);
    for (auto& name : matter.units) name = units(name);
    matter.unit = units(matter.unit);
    // The step names the unit or the key.
    if (matter.run_date.empty())
      matter.next_action =
          fmt::format("`jobrun status{}{}` has the whole story", matter.job.empty() ? "" : " ", matter.job);
    else
      matter.next_action = fmt::format("`jobrun show {}` has the whole story",
                                       shell_quoted(matter.job + ":" + matter.run_date));
  }
  for (auto& job : report.jobs) redact(job.plights, units);
  for (auto& one : report.recent) {
    one.what.unit = units(one.what.unit);
    take_away(one.what.attempt.message);
  }
  for (auto& story : report.runs) {
    redact(story.plights, units);
    redact(story.effects, units, keys);
    for (auto& one : story.attempts) {
      one.unit = units(one.unit);
      for (std::string* text : {&one.attempt.message, &one.attempt.output_head, &one.attempt.output_tail})
        take_away(*text);
    }
    take_away(story.output);
    story.output_of.clear();
  }
  redact(report.effects, units, keys);
}

}  // namespace jobrun
