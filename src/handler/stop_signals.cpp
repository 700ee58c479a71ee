#include "handler/stop_signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace jobrun {

namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

void hold_stop_signals() {
  const sigset_t signals = stop_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a caller's `ulimit -f` is an error of one write, not our end
}

Result<Fd> stop_descriptor() {
  const sigset_t signals = stop_signals();
  Fd descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) return system_error(Fault::ledger, "make a descriptor for signals", errno);
  return descriptor;
}

Error asked_to_stop() {
  return Error(Fault::gone, "asked to stop; nothing was recorded", "call again");
}

void die_of_interrupt(int signal) {
  if (signal != SIGINT || ::isatty(STDIN_FILENO) != 1) return;
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  ::signal(SIGINT, SIG_DFL);
  ::sigprocmask(SIG_UNBLOCK, &interrupt, nullptr);
  ::raise(SIGINT);
}

int take_stop_signal() {
  const sigset_t signals = stop_signals();
  const timespec at_once = {};
  const int signal = ::sigtimedwait(&signals, nullptr, &at_once);
  return signal > 0 ? signal : 0;
}

}  // namespace jobrun
