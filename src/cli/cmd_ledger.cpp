// jobrun ledger: back it up, hold it against its laws.
#include <sys/stat.h>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"
#include "ledger/backup.hpp"
#include "ledger/laws.hpp"

namespace jobrun {

namespace {

Error usage(std::string what, std::string hint) {
  return Error(Fault::usage, std::move(what), std::move(hint));
}

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
  if (auto written = write_backup(**ledger, path, session.args.has("--force")); !written)
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
        Json::object().set("law", finding.law).set("fault", finding.is_fault).set("what", finding.what));
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
                          : "the ledger is not sound: pause its jobs, keep a copy of it, and put the last "
                            "backup in its place by hand: jobrun-ledger(5), BACKUPS\n"));
  return faults == 0 ? Exit::done : Exit::setup;
}

}  // namespace

Result<Exit> cmd_ledger(const Session& session) {
  const auto& words = session.args.words();
  if (words.size() == 2 && words[0] == "backup") return back_up(session, words[1]);
  if (words.size() == 1 && words[0] == "check") return check(session);
  return usage("ledger takes `backup FILE` or `check`", "jobrun ledger --help shows how");
}

}  // namespace jobrun
