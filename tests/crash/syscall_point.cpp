// syscall_point: runs a program under ptrace(2) and does one thing at its n-th system call stop: count, kill,
// signal, fail the call, or hold. The program sees its own fds, signal mask, dispositions and process group;
// its children run untraced; after `kill` the process is really gone. It counts no thread but the main one,
// does not make a program deterministic, and is for x86_64 only. It blocks signals for itself (one sent to
// the process group is meant for the program); SIGKILL of the tool ends both.
//
// Operation: the child waits on a socket until PTRACE_SEIZE is in place, then execs. SEIZE, not TRACEME: only
// a seized tracee can be left in a group-stop (PTRACE_LISTEN). Counting starts after the exit of that execve.
// A stop costs one waitpid and one ptrace call; which call it is gets asked only where it matters. Without
// --follow no PTRACE_O_TRACE{FORK,VFORK,CLONE} is set, so children never stop for this tool.

#include <getopt.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr int exit_usage = 64, exit_tool_failed = 71, exit_not_reached = 99;

constexpr const char* usage_text =
    "usage: syscall_point count [--list] -- CMD ARGS...\n"
    "       syscall_point kill N -- CMD ARGS...\n"
    "       syscall_point signal N SIG -- CMD ARGS...\n"
    "       syscall_point fail N ERRNO [--from-then-on] [--only NAME[,NAME]] -- CMD ARGS...\n"
    "       syscall_point stop N --hold SECONDS -- CMD ARGS...\n"
    "N counts stops from 1: first entry, its exit, next entry, ...; for fail it counts the selected entries\n"
    "(never exit, exit_group, rt_sigreturn: they cannot fail). With --follow TEXT a mode acts on the first\n"
    "child that execs with TEXT as an argument or as the end of its argv[0], instead of on CMD itself.\n"
    "Messages go to fd 2. Exit status: that of CMD (128+signal if it died of one); 137 after a kill;\n"
    "99 if the point was never reached; 64 bad usage; 71 the tool failed; 126 or 127 CMD cannot be run.\n";

// clang-format off
#define S(name) {SYS_##name, #name},
constexpr std::pair<int, const char*> syscall_names[] = {
  S(read) S(write) S(open) S(close) S(stat) S(fstat) S(lstat) S(poll) S(lseek) S(mmap) S(mprotect) S(munmap)
  S(brk) S(rt_sigaction) S(rt_sigprocmask) S(rt_sigreturn) S(ioctl) S(pread64) S(pwrite64) S(access) S(pipe)
  S(mremap) S(msync) S(madvise) S(dup) S(dup2) S(nanosleep) S(getpid) S(socket) S(connect) S(sendto)
  S(recvfrom) S(sendmsg) S(recvmsg) S(socketpair) S(clone) S(fork) S(vfork) S(execve) S(exit) S(wait4) S(kill)
  S(uname) S(fcntl) S(flock) S(fsync) S(fdatasync) S(ftruncate) S(getcwd) S(chdir) S(rename) S(mkdir) S(rmdir)
  S(creat) S(link) S(unlink) S(symlink) S(readlink) S(chmod) S(fchmod) S(chown) S(fchown) S(umask)
  S(getrusage) S(getuid) S(getgid) S(geteuid) S(getegid) S(setpgid) S(getppid) S(setsid) S(getpgid)
  S(rt_sigtimedwait) S(rt_sigsuspend) S(sigaltstack) S(statfs) S(fstatfs) S(prctl) S(arch_prctl) S(setrlimit)
  S(sync) S(gettid) S(futex) S(sched_getaffinity) S(getdents64) S(fadvise64) S(set_tid_address)
  S(clock_gettime) S(clock_nanosleep) S(exit_group) S(epoll_wait) S(epoll_ctl) S(tgkill) S(waitid) S(openat)
  S(newfstatat) S(unlinkat) S(renameat) S(linkat) S(fchmodat) S(pselect6) S(ppoll) S(set_robust_list)
  S(utimensat) S(timerfd_create) S(fallocate) S(timerfd_settime) S(signalfd4) S(eventfd2) S(epoll_create1)
  S(dup3) S(pipe2) S(prlimit64) S(syncfs) S(renameat2) S(getrandom) S(statx) S(rseq) S(pidfd_send_signal)
  S(pidfd_open) S(clone3) S(close_range) S(openat2) S(faccessat2)
};
#undef S

constexpr option long_options[] = {
  {"help", no_argument, nullptr, 'h'}, {"list", no_argument, nullptr, 'l'},
  {"from-then-on", no_argument, nullptr, 't'}, {"only", required_argument, nullptr, 'o'},
  {"hold", required_argument, nullptr, 's'}, {"follow", required_argument, nullptr, 'f'}, {},
};
// clang-format on

const char* syscall_name(int number) {
  for (const auto& [known, name] : syscall_names) {
    if (known == number) return name;
  }
  return nullptr;
}

// One write(2) per text, so that lines do not tear when the program writes to the same fd 2.
void say(const std::string& text, int fd = STDERR_FILENO) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) return;
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

[[noreturn]] void give_up(const std::string& what) {
  say("syscall_point: " + what + ": " + std::strerror(errno) + "\n");
  std::exit(exit_tool_failed);
}

[[noreturn]] void bad_usage(const std::string& what) {
  say("syscall_point: " + what + " (see syscall_point --help)\n");
  std::exit(exit_usage);
}

template <typename Number>
bool parse_number(std::string_view text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

// A number from `first` to `last`, or a name as `name_of` gives it.
int parse_name(const std::string& text, int first, int last, const char* (*name_of)(int), const char* kind) {
  int number = 0;
  const bool numeric = parse_number(text, number);
  for (int i = first; i <= last; ++i) {
    const char* name = name_of(i);
    if (numeric ? number == i : name != nullptr && text == name) return i;
  }
  bad_usage(std::string("no such ") + kind + ": " + text);
}

std::vector<int> parse_syscalls(const std::string& text) {
  std::vector<int> numbers;
  for (std::size_t at = 0, comma = 0; comma != text.npos; at = comma + 1) {
    comma = text.find(',', at);
    numbers.push_back(parse_name(text.substr(at, comma - at), 0, 511, syscall_name, "system call"));
  }
  return numbers;
}

enum class Mode { count, kill, signal, fail, stop };

struct Options {
  Mode mode = Mode::count;
  long point = 0;
  int signal = 0, error = 0;
  bool list = false, from_then_on = false;
  double hold_seconds = -1;
  std::vector<int> only;
  std::string follow;
  char** command = nullptr;
};

Options parse_options(int argc, char** argv) {
  Options options;
  std::vector<std::string> words;
  opterr = 0;
  for (int got = 0; (got = getopt_long(argc, argv, "-", long_options, nullptr)) != -1;) {
    if (got == 'h') say(usage_text, STDOUT_FILENO), std::exit(0);
    if (got == '?') bad_usage("unknown option or bad use of one: " + std::string(argv[optind - 1]));
    if (got == 1) words.push_back(optarg);
    if (got == 'l') options.list = true;
    if (got == 't') options.from_then_on = true;
    if (got == 'o') options.only = parse_syscalls(optarg);
    if (got == 'f') options.follow = optarg;
    // The limit keeps the end of the hold within the clock's range.
    const bool good = got != 's' || (parse_number(std::string_view(optarg), options.hold_seconds) &&
                                     options.hold_seconds >= 0 && options.hold_seconds <= 1e6);
    if (!good) bad_usage("bad number of seconds: " + std::string(optarg));
  }
  const char* const modes[] = {"count", "kill", "signal", "fail", "stop"};
  const auto* const word = std::find(std::begin(modes), std::end(modes), words.empty() ? "" : words[0]);
  if (word == std::end(modes)) bad_usage("the mode is one of count, kill, signal, fail, stop");
  const Mode mode = options.mode = static_cast<Mode>(word - modes);
  const std::size_t wanted = mode == Mode::count ? 1 : mode == Mode::signal || mode == Mode::fail ? 3 : 2;
  if (words.size() != wanted) bad_usage(words[0] + " takes " + std::to_string(wanted - 1) + " argument(s)");
  const bool numbered = wanted == 1 || (parse_number(words[1], options.point) && options.point > 0);
  if (!numbered) bad_usage("bad stop number: " + words[1]);
  const std::string name = wanted == 3 ? words[2].substr(words[2].starts_with("SIG") ? 3 : 0) : "";
  constexpr int max_errno = 4095;  // a larger -rax is a result, not an error, to the C library
  if (mode == Mode::signal) options.signal = parse_name(name, 1, SIGRTMAX, sigabbrev_np, "signal");
  if (mode == Mode::fail) options.error = parse_name(name, 1, max_errno, strerrorname_np, "errno");
  if (options.list && mode != Mode::count) bad_usage("--list goes with count");
  const bool fail_option = options.from_then_on || !options.only.empty();
  if (fail_option && mode != Mode::fail) bad_usage("--from-then-on and --only go with fail");
  if ((mode == Mode::stop) != (options.hold_seconds >= 0)) bad_usage("--hold goes with stop");
  if (optind >= argc) bad_usage("no command after --");
  options.command = argv + optind;
  return options;
}

constexpr long plain_trace = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
constexpr long family_trace = plain_trace | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;

class Tracer {
 public:
  explicit Tracer(Options options) : options_(std::move(options)) {}

  int run() {
    start();
    // With --follow and no match yet, others than the main process may still exec the one looked for.
    while (!main_ended_ || (following_ && !target_ended_)) {
      int status = 0;
      const pid_t pid = next_event(status);
      if (pid == 0) break;
      const bool ended = !WIFSTOPPED(status);
      if (!ended) stopped(pid, status);
      if (ended && pid == main_) main_status_ = status;
      main_ended_ = main_ended_ || (ended && pid == main_);
      target_ended_ = target_ended_ || (ended && pid == target_);
      holding_ = holding_ && !target_ended_;
    }
    return report();
  }

 private:
  using Clock = std::chrono::steady_clock;
  void start() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) give_up("socketpair");
    if ((main_ = fork()) < 0) give_up("fork");
    if (main_ == 0) {
      close(ends[0]);
      char go = 0;
      if (read(ends[1], &go, 1) == 1) {
        execvp(options_.command[0], options_.command);
        send(ends[1], &errno, sizeof errno, MSG_NOSIGNAL);
      }
      _exit(127);
    }
    close(ends[1]);
    channel_ = ends[0];
    // Only after the fork, so that the program inherits what the tool was given. SIGCHLD may have been
    // ignored by our own parent, and then wait(2) would not tell how the program ended.
    std::signal(SIGCHLD, SIG_DFL);
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGTSTP);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    const long trace = (following_ ? family_trace : plain_trace) | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, main_, 0L, trace) != 0) give_up("PTRACE_SEIZE");
    if (send(channel_, "", 1, MSG_NOSIGNAL) != 1) give_up("send");
  }

  // waitpid, with the end of a hold in it: while the target is held the others (--follow) are still served.
  pid_t next_event(int& status) {
    for (;; usleep(1000)) {  // coarse, but only `stop` gets here
      const pid_t pid = waitpid(following_ ? -1 : main_, &status, __WALL | (holding_ ? WNOHANG : 0));
      if (pid > 0) return pid;
      if (pid < 0 && errno == ECHILD) return 0;
      if (pid < 0 && errno != EINTR) give_up("waitpid");
      if (holding_ && Clock::now() >= hold_until_) {
        holding_ = false;
        resume(target_, 0);
      }
    }
  }

  void stopped(pid_t pid, int status) {
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    if (signal == (SIGTRAP | 0x80) && pid == target_) return at_syscall();  // PTRACE_O_TRACESYSGOOD
    if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ptrace(PTRACE_LISTEN, pid, 0L, 0L);  // group-stop: to restart it would undo the stop, see ptrace(2)
      return;
    }
    if (event == PTRACE_EVENT_STOP && pid != main_ && pid != target_) {
      // A child's first stop (--follow): it inherited EXITKILL, but must outlive this tool.
      ptrace(PTRACE_SETOPTIONS, pid, 0L, target_ == 0 ? family_trace : plain_trace);
    }
    if (event == PTRACE_EVENT_EXEC) execed(pid);
    resume(pid, event == 0 ? signal : 0);  // event 0: signal-delivery-stop, the signal is passed on
  }

  void execed(pid_t pid) {
    if (target_ != 0 || (following_ && (pid == main_ || !matches_follow(pid)))) return;
    target_ = pid;
    reached_ = options_.mode == Mode::count;
    if (following_) ptrace(PTRACE_SETOPTIONS, pid, 0L, plain_trace | PTRACE_O_EXITKILL);
  }

  bool matches_follow(pid_t pid) const {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (std::string_view(text.c_str()).ends_with(options_.follow)) return true;  // argv[0]
    return ('\0' + text).find('\0' + options_.follow + '\0') != std::string::npos;
  }

  void at_syscall() {
    if (++stops_ == 0) return resume(target_, 0);
    const bool failing = options_.mode == Mode::fail, here = !failing && stops_ == options_.point;
    // An exit stop does not tell its call, so the stop before the point is looked at, too.
    if (failing || options_.list || here || stops_ + 1 == options_.point) look();
    if (here) return act();
    if (failing) {
      at_fail_candidate();
    } else if (options_.list) {
      list_ += std::to_string(stops_) + " " + call() +
               (at_entry() ? " entry" : " exit = " + std::to_string(info_.exit.rval)) + "\n";
    }
    resume(target_, 0);
  }

  // PTRACE_GET_SYSCALL_INFO tells entry from exit; a parity count would trust that none is ever missed.
  void look() {
    // It fails when the target was killed from elsewhere; nothing said about this stop matters then.
    if (ptrace(PTRACE_GET_SYSCALL_INFO, target_, sizeof info_, &info_) <= 0) info_ = {};
    if (at_entry()) syscall_ = static_cast<int>(info_.entry.nr);
  }

  bool at_entry() const { return info_.op == PTRACE_SYSCALL_INFO_ENTRY; }

  void at_fail_candidate() {
    if (failing_ && !at_entry()) {
      failing_ = false;
      set_register(offsetof(user_regs_struct, rax), -options_.error);
      if (!options_.from_then_on) request_ = PTRACE_CONT;
    }
    const bool can_fail = syscall_ != SYS_exit && syscall_ != SYS_exit_group && syscall_ != SYS_rt_sigreturn;
    const bool selected = options_.only.empty() || std::ranges::count(options_.only, syscall_) > 0;
    if (!at_entry() || !can_fail || !selected || ++selected_ < options_.point) return;
    failing_ = true;
    set_register(offsetof(user_regs_struct, orig_rax), -1);  // no such call: the kernel skips it
    if (!reached_) say(describe("failed"));
    reached_ = true;
  }

  void act() {
    reached_ = true;
    request_ = PTRACE_CONT;
    if (options_.mode == Mode::kill) {
      kill(target_, SIGKILL);  // at an entry stop the kernel then leaves the call out
    } else if (options_.mode == Mode::signal) {
      say(describe("signalled"));
      // kill(2), not PTRACE_DETACH's signal: ptrace(2) promises that one for signal-delivery-stops only.
      kill(target_, options_.signal);
      ptrace(PTRACE_DETACH, target_, 0L, 0L);
      target_ended_ = true;  // as far as the tracer is told; the main process is waited for all the same
    } else {
      say(describe("held"));
      holding_ = true;
      hold_until_ = Clock::now() + std::chrono::milliseconds(static_cast<long>(options_.hold_seconds * 1000));
    }
  }

  std::string call() const {
    const char* name = syscall_name(syscall_);
    return name != nullptr ? name : "syscall_" + std::to_string(syscall_);
  }

  std::string describe(const std::string& what) const {
    return "point " + std::to_string(options_.point) + ": " + what +
           (at_entry() ? " at entry of " : " at exit of ") + call() + "\n";
  }

  void set_register(std::size_t offset, long value) const {
    if (ptrace(PTRACE_POKEUSER, target_, offset, value) != 0 && errno != ESRCH) give_up("PTRACE_POKEUSER");
  }

  void resume(pid_t pid, int signal) const {
    const __ptrace_request request = pid == target_ ? request_ : PTRACE_CONT;
    // ESRCH: a SIGKILL got there first, and waitpid will tell.
    if (ptrace(request, pid, 0L, static_cast<long>(signal)) != 0 && errno != ESRCH) give_up("resuming");
  }

  int report() const {
    int error = 0;  // stays 0 when the exec closed the other end
    if (recv(channel_, &error, sizeof error, MSG_DONTWAIT) == sizeof error) {
      say(std::string("cannot run ") + options_.command[0] + ": " + std::strerror(error) + "\n");
      return error == ENOENT ? 127 : 126;
    }
    if (!reached_) {
      const bool fail = options_.mode == Mode::fail;
      const std::string seen = std::to_string(fail ? selected_ : stops_) + (fail ? " entries" : " stops");
      say(following_ && target_ == 0
              ? "no child matches " + options_.follow + "\n"
              : "ended before " + std::to_string(options_.point) + " (" + seen + ")\n");
      return exit_not_reached;
    }
    if (options_.mode == Mode::count) say(list_ + "stops " + std::to_string(stops_) + "\n");
    if (options_.mode == Mode::kill) {
      say(describe("killed"));
      return 128 + SIGKILL;
    }
    return WIFSIGNALED(main_status_) ? 128 + WTERMSIG(main_status_) : WEXITSTATUS(main_status_);
  }

  const Options options_;
  const bool following_ = !options_.follow.empty();
  pid_t main_ = 0;
  pid_t target_ = 0;  // the process counted and acted on; 0 until it has execed
  int channel_ = -1;  // the child waits here for PTRACE_SEIZE, and tells the errno of a failed exec
  bool main_ended_ = false, target_ended_ = false;
  bool reached_ = false, holding_ = false;
  bool failing_ = false;  // between the entry and the exit of a call that is made to fail
  Clock::time_point hold_until_{};
  int main_status_ = 0;
  long stops_ = -1;  // 0 is the exit of the execve
  long selected_ = 0;
  __ptrace_syscall_info info_{};  // of the last stop looked at
  int syscall_ = -1;              // of the last entry looked at
  __ptrace_request request_ = PTRACE_SYSCALL;
  std::string list_;
};

}  // namespace

int main(int argc, char** argv) {
  return Tracer(parse_options(argc, argv)).run();
}
