#include "run/inventory.hpp"

#include <sys/stat.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/scheduled_yaml.hpp"
#include "run/inventory_ground.hpp"

namespace jobrun {

namespace {

/// /etc/crontab and files of a cron.d have a user's name before the command.
CrontabForm form_of(const std::string& path) {
  return path.find("/cron.d/") != std::string::npos || path.ends_with("/etc/crontab") ? CrontabForm::system
                                                                                      : CrontabForm::user;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<void> read_yaml_file(const Ground& ground, const std::string& path) {
  const auto text = ground.read(path);
  if (!text) return {};
  auto documents = parse_yaml(*text);
  if (!documents) return documents.error().during(path);
  read_scheduled_yaml(*documents, path, ground.found());
  return {};
}

}  // namespace

Result<Inventory> take_inventory(const InventoryRequest& request, const Environment& environment) {
  Inventory found;
  found.whole = request.machine;
  const Ground ground(request.root, found);
  if (request.machine) {
    read_cron_places(ground);
    read_unit_places(ground);
  }
  for (const auto& file : request.files) {
    if (!exists(file)) return Error(Fault::setup, "there is no " + file);
    const std::string path = path_absolute(file);
    if (path.ends_with(".yml") || path.ends_with(".yaml")) {
      if (auto read = read_yaml_file(ground, path); !read) return read.error();
    } else if (is_folder(path) || path.ends_with(".timer")) {
      read_named_units(ground, path);
    } else {
      read_crontab(ground, path, form_of(path), value_of(environment, "USER"));
    }
  }
  return found;
}

}  // namespace jobrun
