// jobrun ledger: back it up, put a backup in its place, hold it against its laws.
#include <sys/stat.h>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/effect_view.hpp"
#include "cli/screen.hpp"
#include "ledger/backup.hpp"
#include "ledger/laws.hpp"
#include "ledger/lost.hpp"
#include "ledger/restore.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

/// A folder is given a dated name in it.
std::string backup_name(const std::string& word, Instant now) {
  const std::string path = path_absolute(word);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return path;
  return path_join(path, fmt::format("ledger-{}.db", format_instant(now)));
}

Result<Exit> back_up(const Session& session, const std::string& word) {
  auto ledger = session.open(Ledger::Purpose::look);
  if (!ledger) return ledger.error();
  const Instant now = session.clock.wall();
  const std::string path = backup_name(word, now);
  if (auto written = write_backup(**ledger, path, session.args.has("--force"), now); !written)
    return written.error();
  if (session.json())
    print_out(Json::object()
                  .set("schema_version", 1)
                  .set("ledger", (*ledger)->path())
                  .set("backup", path)
                  .set("taken_at", format_instant(now))
                  .dump() +
              "\n");
  else if (!session.quiet())
    print_out("backed up to " + printable(path) + "\n");
  return Exit::done;
}

Result<Exit> check(const Session& session) {
  auto ledger = session.open(Ledger::Purpose::look);
  if (!ledger) return ledger.error();
  auto findings = check_laws(**ledger);
  if (!findings) return findings.error();
  std::size_t faults = 0;
  Json list = Json::array();
  std::string text;
  for (const auto& finding : *findings) {
    faults += finding.is_fault ? 1U : 0U;
    text += fmt::format("{}: {}: {}\n", finding.is_fault ? "fault" : "note", finding.law,
                        printable(finding.what));
    list.push(
        Json::object().set("law", finding.law).set("is_fault", finding.is_fault).set("what", finding.what));
  }
  if (session.json())
    print_out(Json::object()
                  .set("schema_version", 1)
                  .set("ledger", (*ledger)->path())
                  .set("sound", faults == 0)
                  .set("findings", std::move(list))
                  .dump() +
              "\n");
  else if (faults > 0 || !session.quiet())
    print_out(text + (faults == 0
                          ? "the ledger is sound\n"
                          : "the ledger is not sound: put the last backup in its place with `jobrun ledger "
                            "restore FILE`, which keeps this one and what can be read of it\n"));
  return faults == 0 ? Exit::done : Exit::setup;
}

std::string plural(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string text_of(const Restoration& made, bool would) {
  std::string text = (would ? "nothing is changed; this would restore the ledger as it was at "
                            : "restored the ledger as it was at ") +
                     made.since + "\n";
  if (!made.aside.empty())
    text +=
        fmt::format("the one it replaces {} kept: {}\n", would ? "would be" : "is", printable(made.aside));
  if (made.effects + made.pauses > 0)
    text += fmt::format("carried over from it: {}, {}\n", plural(made.effects, "effect"),
                        plural(made.pauses, "pause"));
  if (made.runs + made.cursors > 0)
    text += fmt::format(
        "not carried over: {}, {}; work goes on from where the backup has it, as after a crash\n"
        "  `jobrun history --ledger {}` and `jobrun cursor --ledger ...` tell where the other stood\n",
        plural(made.runs, "run"), plural(made.cursors, "cursor"), shell_quoted(made.aside));
  if (made.unknown.empty()) return text + "the replaced ledger knew every effect: nothing else is in doubt\n";
  return text + "not all that was done since is known: " + printable(made.unknown) + "\n\n";
}

Result<Exit> restore(const Session& session, const std::string& word) {
  const bool would = session.args.has("--dry-run");
  const Instant now = session.clock.wall();
  auto made = restore_ledger(session.places.ledger, path_absolute(word), would, now);
  if (!made) return made.error();
  if (session.json())
    print_out(Json::object()
                  .set("schema_version", 1)
                  .set("ledger", session.places.ledger)
                  .set("dry_run", would)
                  .set("since", made->since)
                  .set("kept_aside", made->aside.empty() ? Json() : Json(made->aside))
                  .set("lost", !made->unknown.empty())
                  .set("why", made->unknown.empty() ? Json() : Json(made->unknown))
                  .set("effects_carried", made->effects)
                  .set("pauses_carried", made->pauses)
                  .set("runs_not_carried", made->runs)
                  .set("cursors_not_carried", made->cursors)
                  .dump() +
              "\n");
  else
    print_out(text_of(*made, would) +
              (made->unknown.empty() ? "" : text_of(LostInterval{made->since, format_instant(now)})));
  return Exit::done;
}

}  // namespace

Result<Exit> cmd_ledger(const Session& session) {
  const auto& words = session.args.words();
  if (words.size() == 2 && words[0] == "backup") return back_up(session, words[1]);
  if (words.size() == 1 && words[0] == "check") return check(session);
  if (words.size() == 2 && words[0] == "restore") return restore(session, words[1]);
  return usage_error("ledger takes `backup FILE`, `restore FILE` or `check`",
                     "jobrun ledger --help shows how");
}

}  // namespace jobrun
