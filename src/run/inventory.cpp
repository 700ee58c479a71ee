#include "run/inventory.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "run/inventory_ground.hpp"

namespace jobrun {

namespace {

/// /etc/crontab and files of a cron.d have a user's name before the command.
CrontabForm form_of(const std::string& path) {
  return path.find("/cron.d/") != std::string::npos || path.ends_with("/etc/crontab") ? CrontabForm::system
                                                                                      : CrontabForm::user;
}

}  // namespace

Result<Inventory> take_inventory(const InventoryRequest& request, const Environment& environment) {
  Inventory found;
  found.whole = request.machine;
  const Ground ground(request.root, found);
  if (request.machine) read_cron_places(ground);
  for (const auto& file : request.files) {
    if (!exists(file)) return Error(Fault::setup, "there is no " + file);
    const std::string path = path_absolute(file);
    read_crontab(ground, path, form_of(path), value_of(environment, "USER"));
  }
  return found;
}

}  // namespace jobrun
