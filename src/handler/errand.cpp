#include "handler/errand.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"

namespace jobrun {

namespace {

constexpr std::size_t answer_limit = 64 * 1024;

/// Memory with a name in /proc that a child can open: nothing to write while it reads, nothing on a disk.
Result<Fd> memory_with(std::string_view text) {
  Fd memory(::memfd_create("errand", MFD_CLOEXEC));
  if (!memory) return system_error(Fault::ledger, "make memory for a child's input", errno);
  while (!text.empty()) {
    const ssize_t wrote = ::write(memory.get(), text.data(), text.size());
    if (wrote < 0) return system_error(Fault::ledger, "write a child's input", errno);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return memory;
}

/// Readable while a signal waits that asks us to stop; it is left there for whoever ends the run.
Fd stop_watch() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Result<Errand> Errand::start(ChildSpec spec, std::string_view input, Span deadline) {
  auto memory = memory_with(input);
  if (!memory) return memory.error();
  spec.stdin_path = "/proc/self/fd/" + std::to_string(memory->get());
  auto child = Child::spawn(spec);
  if (!child) return child.error();
  Errand errand(std::move(*child), deadline);
  if (errand.child_.never_ran()) errand.finish();
  return errand;
}

void Errand::read() {
  char buffer[4096];
  for (ssize_t got; (got = ::read(child_.output(), buffer, sizeof buffer)) > 0;)
    end_.answer.append(buffer, std::min(static_cast<std::size_t>(got), answer_limit - end_.answer.size()));
}

void Errand::finish() {
  if (!child_.never_ran()) read();
  ChildUsage usage;
  end_.how = child_.end(/*leave_leftovers=*/false, usage);
  child_.close_output();
  ended_ = true;
}

void Errand::cut_off() {
  if (ended_) return;
  child_.signal_group(SIGKILL);
  end_.cut_off = true;
  finish();
}

void Errand::await(std::vector<Errand>& errands, const Clock& clock) {
  const Fd stop = stop_watch();
  while (true) {
    std::vector<pollfd> watched = {{stop.get(), POLLIN, 0}};
    const Span now = clock.steady();
    Span wake = Span::max();
    for (Errand& errand : errands) {
      if (!errand.ended_ && now >= errand.deadline_) {
        errand.child_.signal_group(SIGKILL);
        errand.end_.too_late = true;
        errand.finish();
      }
      if (errand.ended_) continue;
      wake = std::min(wake, errand.deadline_ - now);
      watched.push_back({errand.child_.pidfd(), POLLIN, 0});
      watched.push_back({errand.child_.output(), POLLIN, 0});
    }
    if (watched.size() == 1) return;
    ::poll(watched.data(), watched.size(), static_cast<int>(wake.count()) + 1);
    std::size_t at = 1;
    for (Errand& errand : errands) {
      if (errand.ended_) continue;
      const bool over = watched[at].revents != 0;
      const bool said = (watched[at + 1].revents & POLLIN) != 0;
      // Its end of the pipe may be closed long before it ends: that is no reason to turn in a circle.
      if (!over && !said && watched[at + 1].revents != 0) errand.child_.close_output();
      at += 2;
      if (said) errand.read();
      if (over) errand.finish();
    }
    if (watched[0].revents != 0)
      for (Errand& errand : errands) errand.cut_off();
  }
}

}  // namespace jobrun
