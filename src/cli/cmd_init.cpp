// jobrun init: makes the ledger.
#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"

namespace jobrun {

Result<Exit> cmd_init(const Session& session) {
  // ~/.local/state may not be there yet on a fresh account; deeper paths that a person named are a person's
  // to make.
  const std::string folder = path_folder(session.places.ledger);
  if (!session.args.has("--ledger") && !exists(path_folder(folder))) {
    if (auto made = make_folder(path_folder(path_folder(folder))); !made) return made.error();
    if (auto made = make_folder(path_folder(folder)); !made) return made.error();
  }
  auto made = Ledger::create(session.places.ledger);
  if (!made) return made.error();
  print_out((*made ? "made the ledger " : "the ledger is there already: ") + session.places.ledger + "\n");
  print_out("jobs are looked for in " + session.places.jobs + "\n");
  return Exit::done;
}

}  // namespace jobrun
