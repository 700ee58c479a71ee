#include "run/inventory.hpp"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "run/inventory_ground.hpp"
#include "timetable/scheduled_yaml.hpp"

namespace jobrun {

namespace {

/// /etc/crontab and files of a cron.d have a user's name before the command.
CrontabForm form_of(const std::string& path) {
  return path.find("/cron.d/") != std::string::npos || path.ends_with("/etc/crontab") ? CrontabForm::system
                                                                                      : CrontabForm::user;
}

/// In cron's own folder a crontab has its user's name; elsewhere it is taken for the caller's.
std::string owner_of(const std::string& path, const Environment& environment) {
  constexpr std::string_view spool = "/cron/crontabs/";
  const auto at = path.rfind(spool);
  return at == std::string::npos ? value_of(environment, "USER") : path.substr(at + spool.size());
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
    if (::access(file.c_str(), R_OK) != 0) return system_error(Fault::setup, "read " + file, errno);
    const std::string path = path_absolute(file);
    if (path.ends_with(".yml") || path.ends_with(".yaml")) {
      if (auto read = read_yaml_file(ground, path); !read) return read.error();
    } else if (is_folder(path) || path.ends_with(".timer")) {
      read_named_units(ground, path);
    } else {
      read_crontab(ground, path, form_of(path), owner_of(path, environment));
    }
  }
  return found;
}

Result<Scheduled> find_scheduled(const std::string& where, const Environment& environment) {
  const auto colon = where.rfind(':');
  const auto line =
      colon == std::string::npos ? std::nullopt : parse_integer(where.substr(colon + 1), 1, 1 << 24);
  const std::string file = line ? where.substr(0, colon) : where;
  auto found = take_inventory({"", false, {file}}, environment);
  if (!found) return found.error();
  if (!found->unread.empty())
    return Error(Fault::setup, "read " + found->unread.front().path + ": " + found->unread.front().why);
  std::vector<const Scheduled*> here;
  std::vector<std::string> lines;
  for (const auto& entry : found->entries) {
    if (line && entry.where.line != *line && !file.ends_with(".timer")) continue;
    here.push_back(&entry);
    lines.push_back(std::to_string(entry.where.line));
  }
  if (here.empty())
    return usage_error(where + ": nothing is scheduled there",
                       "`jobrun inventory " + file + "` shows what is");
  if (here.size() > 1)
    return usage_error(file + " has several", "name one: " + file + ":LINE, of " + join(lines, ", "));
  for (const auto& fault : found->faults)
    if (fault.where.line == here.front()->where.line && (fault.kind == "percent" || fault.kind == "bad_line"))
      return usage_error(fault.where.text() + ": " + fault.what, fault.next);
  if (here.front()->scheduler != "cron" && here.front()->scheduler != "systemd")
    return usage_error(where + " is neither a line of a crontab nor a timer",
                       "write a manifest for it; README has one");
  return *here.front();
}

}  // namespace jobrun
