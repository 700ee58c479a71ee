// jobrun inventory: what is scheduled where, so that "when does this run?" has one answer.
#include "cli/commands.hpp"
#include "cli/inventory_view.hpp"
#include "cli/screen.hpp"
#include "run/inventory.hpp"

namespace jobrun {

Result<Exit> cmd_inventory(const Session& session) {
  InventoryRequest request;
  request.root = session.args.value("--root");
  request.files = session.args.words();
  request.machine = request.files.empty() || session.args.has("--root");
  auto inventory = take_inventory(request, session.environment);
  if (!inventory) return inventory.error();
  print_err(unread_text(*inventory));
  const Instant now = session.clock.wall();
  print_out(session.json() ? inventory_json(*inventory, now).dump() + "\n"
                           : inventory_text(*inventory, now, screen_width()));
  return Exit::done;
}

}  // namespace jobrun
