#include "handler/capture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "handler/stop_signals.hpp"

namespace jobrun {

namespace {

/// False at the end of the stream.
Result<bool> read_some(int fd, std::string& text, std::size_t limit) {
  char buffer[64 * 1024];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got < 0) return system_error(Fault::setup, "read", errno);
  if (got == 0) return false;
  text.append(buffer, static_cast<std::size_t>(got));
  if (text.size() > limit) return Error(Fault::setup, "more than " + std::to_string(limit) + " bytes came");
  return true;
}

/// What was said on standard error, as far as a message has room for it; the rest is let go. False at its
/// end.
bool hear(int fd, std::string& complaint) {
  constexpr std::size_t room = 1024;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0)
    complaint.append(buffer, std::min(static_cast<std::size_t>(got), room - complaint.size()));
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/// What lies in the pipe of a child that has ended: all that it wrote itself. poll(2) may tell of the end and
/// not yet of the output that came before it, because it looks at one descriptor after the other.
Result<void> read_rest(int fd, std::string& text, std::size_t limit) {
  for (pollfd rest = {fd, POLLIN, 0}; ::poll(&rest, 1, 0) > 0;) {
    auto more = read_some(fd, text, limit);
    if (!more) return more.error();
    if (!*more) break;
  }
  return {};
}

}  // namespace

Result<std::string> read_all(int fd, std::size_t limit) {
  auto stop = stop_descriptor();
  if (!stop) return stop.error();
  std::string text;
  while (true) {
    pollfd watched[] = {{fd, POLLIN, 0}, {stop->get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR)
      return system_error(Fault::setup, "wait for input", errno);
    if (watched[1].revents != 0) return asked_to_stop();
    if (watched[0].revents == 0) continue;
    auto more = read_some(fd, text, limit);
    if (!more) return more.error();
    if (!*more) return text;
  }
}

Result<std::string> capture(ChildSpec spec, Span timeout, std::size_t limit) {
  auto stop = stop_descriptor();
  if (!stop) return stop.error();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return system_error(Fault::ledger, "make a pipe", errno);
  const Fd errors(ends[0]);
  Fd theirs(::fcntl(ends[1], F_DUPFD_CLOEXEC, 4));  // above what the child is given
  ::close(ends[1]);
  spec.errors = theirs.get();
  auto child = Child::spawn(spec);
  theirs.reset();
  if (!child) return child.error();

  std::string text, complaint;
  const RealClock clock;
  const Span deadline = clock.steady() + timeout;
  std::optional<Error> problem;
  bool ended = child->never_ran(), written = ended, complains = true;
  // Its end is the end: a grandchild that keeps the pipe open must not keep us.
  while (!problem && !ended) {
    const auto left = deadline - clock.steady();
    if (left.count() <= 0) {
      problem = Error(Fault::setup, spec.argv.front() + " took longer than " + format_duration(timeout));
      break;
    }
    pollfd watched[] = {{written ? -1 : child->output(), POLLIN, 0},
                        {child->pidfd(), POLLIN, 0},
                        {complains ? errors.get() : -1, POLLIN, 0},
                        {stop->get(), POLLIN, 0}};
    if (::poll(watched, 4, static_cast<int>(left.count())) < 0 && errno != EINTR) break;
    ended = watched[1].revents != 0;
    if (ended) {
      auto rest = written ? Result<void>() : read_rest(child->output(), text, limit);
      if (!rest) problem = rest.error().during(spec.argv.front());
    } else if (watched[0].revents != 0) {
      auto more = read_some(child->output(), text, limit);
      if (!more) problem = more.error().during(spec.argv.front());
      written = !more || !*more;
    }
    if (watched[3].revents != 0 && !ended) problem = asked_to_stop();
    if (watched[2].revents != 0) complains = hear(errors.get(), complaint);
  }
  hear(errors.get(), complaint);
  ChildUsage usage;
  const ChildEnd end = child->end(/*leave_leftovers=*/false, usage);
  if (problem) return *problem;
  const Verdict verdict = classify(end, {}, timeout);
  if (verdict.kind == VerdictKind::done) return text;
  const std::string_view said = trim(trim(complaint).empty() ? text : complaint);
  return Error(Fault::setup, spec.argv.front() + ": " + verdict.message +
                                 (said.empty() ? "" : ": " + printable(clip(std::string(said), 300))));
}

}  // namespace jobrun
