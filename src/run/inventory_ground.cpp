#include "run/inventory_ground.hpp"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr std::size_t longest_file = 1024 * 1024;

/// What the link /etc/localtime names, else the word in /etc/timezone; UTC where there is neither
/// (localtime(5)).
std::string machine_zone(const Ground& ground) {
  std::string name;
  std::array<char, 4096> target{};
  const auto length = ::readlink(ground.path("/etc/localtime").c_str(), target.data(), target.size());
  const std::string_view link(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  constexpr std::string_view folder = "zoneinfo/";
  if (const auto at = link.find(folder); at != std::string_view::npos)
    name = link.substr(at + folder.size());
  else if (const auto text =
               ground.has("/etc/timezone") ? ground.read(ground.path("/etc/timezone")) : std::nullopt)
    name = trim(*text);
  else if (ground.has("/etc/localtime"))
    return "";  // a copy of some zone: which one it does not say
  if (name.empty() || name == "Etc/UTC") return "UTC";
  return Zone::named(name) ? name : "";
}

}  // namespace

Ground::Ground(std::string root, Inventory& found) : root_(std::move(root)), found_(found) {
  while (root_.ends_with('/')) root_.pop_back();
  found_.zone = machine_zone(*this);
  const auto text = read(path("/etc/passwd"));
  if (!text) return;
  for (const auto line : split(*text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() >= 7 && fields[5].size() > 1 && fields[5].starts_with('/'))
      people_.push_back({std::string(fields[0]), std::string(fields[5])});
  }
}

std::string Ground::path(std::string_view absolute) const {
  return root_ + std::string(absolute);
}

bool Ground::has(std::string_view absolute) const {
  return exists(path(absolute));
}

std::optional<std::string> Ground::read(const std::string& path) const {
  if (::access(path.c_str(), R_OK) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) found_.unread.push_back({path, ::strerror(errno)});
    return std::nullopt;
  }
  auto text = read_file(path, longest_file);
  if (text) return std::move(*text);
  found_.unread.push_back({path, text.error().what()});
  return std::nullopt;
}

std::vector<std::string> Ground::names(const std::string& folder) const {
  if (::access(folder.c_str(), R_OK | X_OK) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) found_.unread.push_back({folder, ::strerror(errno)});
    return {};
  }
  auto names = list_folder(folder, "");
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  return names;
}

bool Ground::finds(std::string_view program, std::string_view search_path) const {
  if (program.find('/') != std::string_view::npos) return !program.starts_with('/') || has(program);
  const auto folders = split(search_path, ':');
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
    return folder.starts_with('/') && has(path_join(folder, program));
  });
}

std::string Ground::home_of(std::string_view user) const {
  const auto person =
      std::find_if(people_.begin(), people_.end(), [&](const Person& one) { return one.name == user; });
  return person == people_.end() ? "" : person->home;
}

}  // namespace jobrun
