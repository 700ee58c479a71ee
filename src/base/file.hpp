// Files and descriptors: Fd (closed once, close-on-exec at birth), bounded reads, write-then-rename, and the
// checks that decide whether a place may be trusted. Does not follow symbolic links where it says "own".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace jobrun {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  int release();
  void reset();

 private:
  int number_ = -1;
};

/// "open /etc/x: Permission denied" with errno's text (strerror(3)).
Error system_error(Fault fault, std::string_view doing, int error_number, std::string next_step = {});

/// Reads a whole regular file; Fault::setup where it can't be read or is longer than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit);
/// Temporary file in the same folder, fsync, rename, fsync of the folder (rename(2), fsync(2)): the old
/// content or the new, whatever happens meanwhile.
Result<void> write_file(const std::string& path, std::string_view content, unsigned mode = 0600);
/// Fault::setup where a write_file would take something else's place than a regular file's: a device, a link.
Result<void> check_replaceable(const std::string& path);
/// Makes one folder (0700) and fsyncs its parent; an existing one is fine.
Result<void> make_folder(const std::string& path);
Result<void> sync_folder(const std::string& path);

/// Checks that a folder, every folder above it, or a file is root's or ours and not writable by others
/// (as cron, ssh and logrotate do; a sticky folder such as /tmp is accepted above it). Fault::setup names the
/// offender and the chmod to type.
Result<void> check_trusted_folder(const std::string& path);
Result<void> check_trusted_file(const std::string& path);
/// Fault::setup on NFS, CIFS, SMB, FUSE, 9p (statfs(2)): their locks can't be relied on.
Result<void> check_local_file_system(const std::string& folder);

bool exists(const std::string& path);
/// Names in a folder that end in `suffix`, sorted; empty where it can't be read.
std::vector<std::string> list_folder(const std::string& path, std::string_view suffix);
/// "/a/b" + "c" -> "/a/b/c"; an absolute `name` stands for itself.
std::string path_join(std::string_view folder, std::string_view name);
std::string path_folder(std::string_view path);
/// What stands behind the last slash.
std::string_view path_name(std::string_view path);
/// An absolute, normalised path (no links resolved).
std::string path_absolute(std::string_view path);

}  // namespace jobrun
