// One child process of a unit: spawned, watched, ended with everything it started.
//
// Theory: the child is made by vfork(2) (a fork of the loop would copy page tables for each of thousands of
// units), in a session and process group of its own, with SIGKILL as its parent-death signal, exactly the
// descriptors 0, 1, 2 and 3 (the lease), default signal dispositions and an empty mask. Its end is a readable
// pidfd. Before the zombie is reaped its group is killed, because the zombie is what keeps the group's number
// from being used again; descendants that left the group come to us as orphans (PR_SET_CHILD_SUBREAPER) and
// are found in /proc and killed too. Does not decide what an end means (contract/verdict) and keeps no time
// (run/loop).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

struct ChildSpec {
  std::string program;  ///< path to execve(2)
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string workdir;
  std::string stdin_path = "/dev/null";
  int errors = -1;  ///< becomes descriptor 2; -1: the same pipe as standard output
  int lease = -1;   ///< becomes descriptor 3
  /// What a script's own command gets: our group, session, input, errors, working directory and open
  /// descriptors; `lease` stays open under its own number.
  bool of_script = false;
};

struct ChildUsage {
  Span cpu{};
  std::int64_t peak_kib = 0;
};

class Child {
 public:
  /// Error only where jobrun could not (no memory, no descriptors); a program that can't be executed is a
  /// child whose end() says so.
  static Result<Child> spawn(const ChildSpec& spec);

  int pid() const { return pid_; }
  /// Readable when the child has ended (pidfd_open(2)); -1 if it never ran.
  int pidfd() const { return pidfd_.get(); }
  /// Its standard output and error, one pipe, non-blocking.
  int output() const { return output_.get(); }
  /// There is nothing to wait for: it could not be executed, or not be watched and was killed.
  bool never_ran() const { return pid_ == 0 || unwatched_; }

  /// To the whole group.
  void signal_group(int signal);
  /// To the child alone, which may share our group.
  void signal_child(int signal);
  /// Reaps; the group is killed first unless `leave_leftovers`.
  ChildEnd end(bool leave_leftovers, ChildUsage& usage);
  void close_output() { output_.reset(); }

 private:
  int pid_ = 0;
  Fd pidfd_, output_;
  int exec_error_ = 0;
  bool unwatched_ = false;
};

/// Become the parent of orphaned descendants (prctl(2)). Once per process.
void adopt_orphans();
/// Kills and reaps orphans whose environment carries `marker` (NAME=value), or all of them where `all`;
/// `ours` are the children that are none.
void kill_orphans(const std::string& marker, bool all, const std::vector<int>& ours);
/// `name` as a person would find it: with a slash as it stands, else over `path` (colon separated). Nothing
/// where it is not found.
std::optional<std::string> find_program(const std::string& name, const std::string& path);

}  // namespace jobrun
