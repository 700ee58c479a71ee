// systemd's timers as they stand in files: the load path, drop-ins, and what is enabled; see
// inventory_ground.hpp.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/file.hpp"
#include "base/text.hpp"
#include "run/inventory_ground.hpp"
#include "timetable/timer.hpp"

namespace jobrun {

namespace {

// systemd.unit(5), UNIT FILE LOAD PATH; the first that has a unit wins.
constexpr std::array<std::string_view, 13> system_folders = {
    "/etc/systemd/system.control",   "/run/systemd/system.control",  "/run/systemd/transient",
    "/run/systemd/generator.early",  "/etc/systemd/system",          "/etc/systemd/system.attached",
    "/run/systemd/system",           "/run/systemd/system.attached", "/run/systemd/generator",
    "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",      "/lib/systemd/system",
    "/run/systemd/generator.late"};
constexpr std::array<std::string_view, 7> user_folders = {
    "/etc/xdg/systemd/user",         "/etc/systemd/user",       "/run/systemd/user",
    "/usr/local/share/systemd/user", "/usr/share/systemd/user", "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user"};
constexpr std::array<std::string_view, 3> home_folders = {
    ".config/systemd/user.control", ".config/systemd/user", ".local/share/systemd/user"};
/// systemd.service(5): where a command without a slash is looked for.
constexpr std::string_view systemds_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The units that one manager loads.
class Units {
 public:
  Units(const Ground& ground, std::vector<std::string> folders, std::string user)
      : ground_(ground), folders_(std::move(folders)), user_(std::move(user)) {
    for (const auto& folder : folders_) {
      for (const auto& name : ground_.names(folder)) {
        if (name.ends_with(".timer")) timers_.insert(name);
        if (name.ends_with(".wants") || name.ends_with(".requires"))
          for (const auto& wanted : ground_.names(path_join(folder, name)))
            if (wanted.ends_with(".timer")) enabled_[wanted].insert(folder);
      }
    }
    for (const auto& [name, by] : enabled_) timers_.insert(name);
  }

  /// Timers whose own file or link is in one of the first `own` folders. `named`: taken for enabled.
  void read(std::size_t own, bool named) {
    for (const auto& name : timers_) {
      const bool is_template = name.find("@.") != std::string::npos;
      if ((is_template && !named) || !is_own(name, own)) continue;
      read_timer(name, named);
    }
  }
  void read_timer(const std::string& name, bool named) {
    const UnitText timer = load(name);
    if (timer.empty()) return;  // masked, or a link that leads nowhere
    // What systemd-cron makes of a crontab stands there already.
    const std::string source = timer.value("Unit", "SourcePath");
    if (source.starts_with("/etc/cron") || source.starts_with("/var/spool/cron")) return;
    Scheduled entry =
        scheduled_timer(timer, load(service_of(timer, name)), name, ground_.found().zone, user_);
    entry.active = named || enabled_.count(name) != 0;
    entry.path = systemds_path;
    for (const auto& call : entry.calls)
      entry.finds_jobrun =
          entry.finds_jobrun && (!ground_.found().whole || ground_.finds(call.program, entry.path));
    ground_.found().entries.push_back(std::move(entry));
  }

 private:
  bool is_own(const std::string& name, std::size_t own) const {
    const auto links = enabled_.find(name);
    for (std::size_t i = 0; i < own && i < folders_.size(); ++i)
      if (exists(path_join(folders_[i], name)) ||
          (links != enabled_.end() && links->second.count(folders_[i]) != 0))
        return !is_alias(name);
    return false;
  }

  /// A link to a unit of another name in the load path.
  bool is_alias(const std::string& name) const {
    const std::string target = link_target(find(name));
    const std::string other(path_name(target));
    return !target.empty() && other != name && other != template_of(name) && timers_.count(other) != 0;
  }

  static std::string link_target(const std::string& path) {
    std::array<char, 4096> target{};
    const auto length = ::readlink(path.c_str(), target.data(), target.size());
    return {target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
  }

  /// There, be it a link that leads nowhere in this process's world.
  static bool stands(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0;
  }

  std::string find(const std::string& name) const {
    for (const auto& wanted : {name, template_of(name)})
      for (const auto& folder : folders_)
        if (stands(path_join(folder, wanted))) return path_join(folder, wanted);
    return "";
  }

  UnitText load(const std::string& name) const {
    UnitText unit;
    const std::string path = find(name);
    if (path.empty()) return unit;
    const std::string target = link_target(path);
    if (target == "/dev/null") return unit;
    const auto text = ground_.read(target.starts_with('/') ? ground_.path(target) : path);
    if (!text || text->empty()) return unit;
    unit.add(*text, path);
    for (const auto& [file, drop_in] : drop_ins(name))
      if (const auto over = ground_.read(drop_in)) unit.add(*over, drop_in);
    return unit;
  }

  /// By the name of their file: what stands nearer to the unit, and higher in the load path, wins.
  std::map<std::string, std::string> drop_ins(const std::string& name) const {
    std::vector<std::string> nearer = {name.substr(name.rfind('.') + 1)};  // "timer.d"
    for (auto dash = name.find('-'); dash != std::string::npos; dash = name.find('-', dash + 1))
      if (dash < name.find('@')) nearer.push_back(name.substr(0, dash + 1) + name.substr(name.rfind('.')));
    nearer.push_back(template_of(name));
    nearer.push_back(name);
    std::map<std::string, std::string> chosen;
    for (const auto& unit : nearer)
      for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
        for (const auto& file : ground_.names(path_join(*folder, unit + ".d")))
          if (file.ends_with(".conf")) chosen[file] = path_join(path_join(*folder, unit + ".d"), file);
    return chosen;
  }

  const Ground& ground_;
  std::vector<std::string> folders_;
  std::string user_;
  std::set<std::string> timers_;
  std::map<std::string, std::set<std::string>> enabled_;  // by whose links
};

}  // namespace

void read_unit_places(const Ground& ground) {
  std::vector<std::string> folders;
  for (const auto folder : system_folders)
    if (ground.has(folder)) folders.push_back(ground.path(folder));
  Units(ground, folders, "root").read(folders.size(), false);

  std::vector<std::string> for_all;
  for (const auto folder : user_folders)
    if (ground.has(folder)) for_all.push_back(ground.path(folder));
  Units(ground, for_all, "each user").read(for_all.size(), false);
  std::set<std::string> seen;
  for (const auto& person : ground.people()) {
    if (!seen.insert(person.home).second) continue;
    std::vector<std::string> own;
    for (const auto folder : home_folders) {
      const std::string path = ground.path(path_join(person.home, folder));
      if (exists(path))
        own.push_back(path);
      else if (folder == ".config/systemd/user")
        (void)ground.names(path);  // notes a home that is closed to us, once
    }
    const std::size_t count = own.size();
    own.insert(own.end(), for_all.begin(), for_all.end());
    if (count != 0) Units(ground, own, person.name).read(count, false);
  }
}

void read_named_units(const Ground& ground, const std::string& path) {
  if (!path.ends_with(".timer")) return Units(ground, {path}, "root").read(1, true);
  Units(ground, {path_folder(path)}, "root").read_timer(std::string(path_name(path)), true);
}

}  // namespace jobrun
