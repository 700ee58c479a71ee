#include "handler/child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr int lease_descriptor = 3;

/// Everything the child needs, made before vfork: between vfork and execve it may only make system calls.
struct Plan {
  const char* program;
  char** argv;
  char** environment;
  const char* workdir;
  int stdin_fd, output_fd, errors_fd, lease;
  pid_t parent;
  const int* ignored;  // signals to set back, ended by 0
  int* error;
  bool of_script;
};

bool take_what_a_script_gives(const Plan& plan) {
  if (plan.lease >= 0 && ::fcntl(plan.lease, F_SETFD, 0) != 0) return false;
  return ::dup2(plan.output_fd, 1) == 1;
}

[[noreturn]] void become(const Plan& plan) {
  if (!plan.of_script) ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // jobrun died before the line above: nobody would tell us
  if (plan.of_script) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (take_what_a_script_gives(plan)) ::execve(plan.program, plan.argv, plan.environment);
    *plan.error = errno;
    ::_exit(127);
  }
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int* signal = plan.ignored; *signal != 0; ++signal) ::sigaction(*signal, &standard, nullptr);
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // The sources are all above 3 (see spawn), so no dup2 overwrites one that is still needed.
  bool ready =
      ::dup2(plan.stdin_fd, 0) == 0 && ::dup2(plan.output_fd, 1) == 1 && ::dup2(plan.errors_fd, 2) == 2;
  int first_unwanted = lease_descriptor;
  if (ready && plan.lease >= 0) {
    ready = ::dup2(plan.lease, lease_descriptor) == lease_descriptor;
    first_unwanted = lease_descriptor + 1;
  }
  ready = ready && ::close_range(static_cast<unsigned>(first_unwanted), ~0U, 0) == 0;
  ready = ready && ::chdir(plan.workdir) == 0;
  if (ready) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.program, plan.argv, plan.environment);
  }
  *plan.error = errno;  // vfork: the parent's memory
  ::_exit(127);
}

/// Kept out of spawn(): what lives across vfork must not sit in registers of a function that goes on.
__attribute__((noinline)) pid_t vfork_into(const Plan& plan) {
  const pid_t pid = ::vfork();  // NOLINT: vfork(2) is the point, see the theory in child.hpp
  if (pid == 0) become(plan);
  return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

/// Handlers are reset by execve(2), ignored signals are not: those we ignore, and those our caller did (cron
/// started from a background shell). Looked up once: nothing changes them later.
const std::vector<int>& ignored_signals() {
  static const std::vector<int> ignored = [] {
    std::vector<int> found;
    for (int signal = 1; signal < NSIG; ++signal) {
      struct sigaction now {};
      if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) found.push_back(signal);
    }
    found.push_back(0);
    return found;
  }();
  return ignored;
}

/// The same descriptor, above those that the child is given.
Fd above_standard(Fd fd) {
  if (!fd || fd.get() > lease_descriptor) return fd;
  Fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, lease_descriptor + 1));
  return moved;
}

}  // namespace

Result<Child> Child::spawn(const ChildSpec& spec) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return system_error(Fault::ledger, "make a pipe for the job's output", errno);
  Fd read_end(ends[0]);
  Fd write_end = above_standard(Fd(ends[1]));
  const int flags = ::fcntl(write_end.get(), F_GETFL);
  ::fcntl(write_end.get(), F_SETFL, flags & ~O_NONBLOCK);  // the job's end blocks, as programs expect
  Fd input = above_standard(Fd(::open(spec.stdin_path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!input) return system_error(Fault::ledger, "open " + spec.stdin_path + " for the job", errno);

  auto argv = pointers(spec.argv);
  auto environment = pointers(spec.environment);
  // Kept for the descriptor that watches the child: once it runs it can't be taken back.
  Fd reserved = above_standard(Fd(::fcntl(read_end.get(), F_DUPFD_CLOEXEC, 3)));
  if (!reserved) return system_error(Fault::ledger, "keep a descriptor for the job's process", errno);
  Child child;
  volatile int exec_error = 0;
  const Plan plan = {spec.program.c_str(),
                     argv.data(),
                     environment.data(),
                     spec.workdir.c_str(),
                     input.get(),
                     write_end.get(),
                     spec.errors >= 0 ? spec.errors : write_end.get(),
                     spec.lease,
                     ::getpid(),
                     ignored_signals().data(),
                     const_cast<int*>(&exec_error),
                     spec.of_script};
  sigset_t all, before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork_into(plan);
  const int problem = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0)
    return system_error(Fault::ledger, "start the job's process", problem,
                        "call again when the machine has room");
  if (exec_error != 0) {
    ::waitpid(pid, nullptr, 0);
    child.exec_error_ = exec_error;
    return child;
  }
  child.pid_ = pid;
  child.output_ = std::move(read_end);
  reserved.reset();
  child.pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  child.unwatched_ = !child.pidfd_;  // it may have acted already: its end says that it was killed
  if (child.unwatched_) {
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
  }
  return child;
}

void Child::signal_group(int signal) {
  if (pid_ > 0) ::kill(-pid_, signal);
}

void Child::signal_child(int signal) {
  if (pid_ > 0) ::kill(pid_, signal);
}

ChildEnd Child::end(bool leave_leftovers, ChildUsage& usage) {
  ChildEnd how;
  if (exec_error_ != 0) {
    // ENOENT also stands for a script whose interpreter is missing (execve(2)).
    how.not_found = exec_error_ == ENOENT || exec_error_ == ENOTDIR;
    how.not_executable = !how.not_found;
    how.exit_code = how.not_found ? 127 : 126;
    return how;
  }
  if (!leave_leftovers) ::kill(-pid_, SIGKILL);
  int status = 0;
  struct rusage used {};
  while (::wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) how.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) how.signal = WTERMSIG(status);
  usage.cpu = std::chrono::duration_cast<Span>(
      std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
      std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
  usage.peak_kib = used.ru_maxrss;
  pidfd_.reset();
  return how;
}

void adopt_orphans() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

namespace {

/// Our direct children, adopted ones included (proc(5), /proc/PID/task/TID/children).
std::vector<int> children() {
  std::vector<int> pids;
  const std::string name = "/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/children";
  std::FILE* file = std::fopen(name.c_str(), "re");
  if (file == nullptr) return pids;
  int pid = 0;
  while (std::fscanf(file, "%d", &pid) == 1) pids.push_back(pid);
  std::fclose(file);
  return pids;
}

bool carries(int pid, const std::string& marker) {
  auto environment = read_file("/proc/" + std::to_string(pid) + "/environ", 4 * 1024 * 1024);
  if (!environment) return false;
  const std::string wanted = '\0' + marker + '\0';
  return ('\0' + *environment).find(wanted) != std::string::npos;
}

}  // namespace

void kill_orphans(const std::string& marker, bool all, const std::vector<int>& ours) {
  siginfo_t any{};
  if (ours.empty() && ::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) != 0)
    return;  // ECHILD: none at all
  // Killing one hands its own children to us, so look again until nothing is left; 64 levels are a fork
  // bomb's.
  for (int round = 0; round < 64; ++round) {
    bool killed = false;
    for (const int pid : children()) {
      if (std::find(ours.begin(), ours.end(), pid) != ours.end()) continue;
      if (!all && !carries(pid, marker)) {
        ::waitpid(pid, nullptr, WNOHANG);  // a dead one of another unit: nobody else will reap it
        continue;
      }
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      killed = true;
    }
    if (!killed) return;
  }
}

std::optional<std::string> find_program(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return name;
  for (const std::string_view folder : split(path, ':')) {
    if (folder.empty()) continue;
    const std::string candidate = path_join(folder, name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

}  // namespace jobrun
