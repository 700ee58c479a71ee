#include "cli/effect_view.hpp"

#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

Json json_of(const EffectStory& story) {
  Json settlements = Json::array();
  for (const auto& one : story.settlements)
    settlements.push(
        Json::object().set("happened", one.happened).set("reason", one.reason).set("settled_at", one.at));
  Json json = Json::object()
                  .set("scope", story.scope)
                  .set("key", story.key)
                  .set("state", story.state)
                  .set("token", story.token);
  json.set("job", story.job)
      .set("unit", story.unit)
      .set("run_date", json_or_null(story.run_date))
      .set("run_id", json_or_null(story.run_id))
      .set("attempt", story.attempt < 0 ? Json() : Json(story.attempt));
  json.set("intended_at", story.intended_at)
      .set("confirmed_at", json_or_null(story.confirmed_at))
      .set("tries", story.tries);
  return json.set("if_in_doubt", story.if_in_doubt)
      .set("result", json_or_null(story.result))
      .set("settlements", std::move(settlements));
}

std::string speaker_of(const EffectStory& story) {
  if (story.attempt < 0) return "an attempt that was pruned";
  return story.attempt == 0 ? "by hand"
                            : fmt::format("{}/{}#{}", story.run_id, printable(story.unit), story.attempt);
}

std::string text_of(const EffectStory& story) {
  if (story.scope.empty()) return text_of(LostInterval{story.intended_at, story.result});
  std::string text = fmt::format(
      "{} of {}: {}\n  intended {}, {} {}, {}\n  token {}, if in doubt: {}\n", printable(story.key),
      printable(story.scope), story.state, story.intended_at, story.tries, story.tries == 1 ? "try" : "tries",
      story.attempt == 0 ? "by hand" : "by " + speaker_of(story), story.token, story.if_in_doubt);
  if (!story.confirmed_at.empty()) text += "  confirmed " + story.confirmed_at + "\n";
  for (const auto& one : story.settlements)
    text += fmt::format("  a person said at {} that it {}: {}\n", one.at,
                        one.happened ? "happened" : "did not happen", printable(one.reason));
  for (const std::string_view line : split(trim(story.result), '\n'))
    if (!line.empty()) text += "  | " + printable(line) + "\n";
  return text;
}

std::string text_of(const LostInterval& lost) {
  return fmt::format(
      "lost-interval: this ledger was restored and knows nothing of what was done from {} to {}\n"
      "  an effect whose key it does not have may have happened then, so it is in doubt: its policy decides\n"
      "  next: find out what was done; for each that was, `jobrun effects confirm KEY --job JOB --reason "
      "TEXT`;\n"
      "        then `jobrun effects release lost-interval --reason TEXT`: the rest was not\n",
      lost.since, lost.until.empty() ? "its restore" : lost.until);
}

}  // namespace jobrun
