// jobrun effects: those that may or may not have happened, and a person's word on one.
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/effect_settle.hpp"
#include "cli/effect_view.hpp"
#include "cli/screen.hpp"
#include "ledger/history.hpp"
#include "ledger/lost.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_rows = 40;

Result<Exit> list_effects(const Session& session, Ledger& ledger) {
  auto open = effects_in_doubt(ledger, session.args.value("--job"));
  if (!open) return open.error();
  if (session.json()) {
    Json list = Json::array();
    for (const auto& effect : *open) list.push(json_of(effect));
    print_out(Json::object().set("schema_version", 1).set("effects", std::move(list)).dump() + "\n");
    return Exit::done;
  }
  if (open->empty()) {
    print_out("no effect is in doubt\n");
    return Exit::done;
  }
  std::vector<std::vector<std::string>> rows = {
      {"KEY", "JOB", "UNIT", "RUN DATE", "STATE", "BEGUN", "TRIES"}};
  for (const auto& effect : *open)
    if (rows.size() <= most_rows)
      rows.push_back({printable(effect.key), effect.scope.empty() ? "(all)" : effect.scope,
                      printable(effect.unit), effect.run_date, effect.state, effect.intended_at,
                      std::to_string(effect.tries)});
  print_out(table(rows, screen_width()));
  if (open->size() > most_rows)
    print_out(fmt::format("... and {} more; --json has them all\n", open->size() - most_rows));
  print_out(
      "find out whether each happened, then `jobrun effects confirm|release KEY --job JOB --reason TEXT`\n");
  auto lost = lost_interval(ledger);
  if (!lost) return lost.error();
  if (*lost) print_out("\n" + text_of(**lost));
  return Exit::done;
}

constexpr std::int64_t most_stories = 200;

Result<Exit> show_effects(const Session& session, Ledger& ledger, const std::string& key) {
  auto stories = effect_stories(ledger, session.args.value("--job"), key, most_stories);
  if (!stories) return stories.error();
  if (stories->empty() && !key.empty())
    return usage_error(
        session.args.has("--job")
            ? fmt::format("{} has no effect {}", printable(session.args.value("--job")), printable(key))
            : "no effect has the key " + printable(key),
        "`jobrun effects --all` lists the latest");
  Json list = Json::array();
  std::string text;
  std::vector<std::vector<std::string>> rows = {{"KEY", "JOB", "STATE", "INTENDED", "TRIES", "BY"}};
  for (const auto& story : *stories) {
    list.push(json_of(story));
    text += text_of(story);
    rows.push_back({printable(story.key), story.scope, story.state, story.intended_at,
                    std::to_string(story.tries), speaker_of(story)});
  }
  if (session.json()) {
    print_out(Json::object().set("schema_version", 1).set("effects", std::move(list)).dump() + "\n");
  } else {
    print_out(!key.empty() ? text : rows.size() == 1 ? "no effects yet\n" : table(rows, screen_width()));
  }
  return Exit::done;
}

}  // namespace

Result<Exit> cmd_effects(const Session& session) {
  const auto& words = session.args.words();
  const bool shows = words.size() == 2 && words[0] == "show";
  const bool settles = !words.empty() && !shows;
  if (settles && (words.size() != 2 || (words[0] != "confirm" && words[0] != "release")))
    return usage_error("effects takes nothing, `show KEY`, `confirm KEY` or `release KEY`",
                       "jobrun effects --help shows how");
  auto opened = session.open(settles ? Ledger::Purpose::run : Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  if (shows || session.args.has("--all")) return show_effects(session, ledger, shows ? words[1] : "");
  if (!settles) return list_effects(session, ledger);
  const bool happened = words[0] == "confirm";
  return settle(session, ledger, happened, words[1]);
}

}  // namespace jobrun
