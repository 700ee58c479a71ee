#include "handler/capture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"

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

/// What was said on standard error, as far as a message has room for it; the rest is let go.
void hear(int fd, std::string& complaint) {
  constexpr std::size_t room = 1024;
  char buffer[4096];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    complaint.append(buffer, std::min(static_cast<std::size_t>(got), room - complaint.size()));
}

}  // namespace

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string text;
  while (true) {
    auto more = read_some(fd, text, limit);
    if (!more) return more.error();
    if (!*more) return text;
  }
}

Result<std::string> capture(ChildSpec spec, Span timeout, std::size_t limit) {
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
  bool ended = child->never_ran(), written = ended;
  // Standard output has to end as well as the child: the last of it may arrive after the child is gone.
  while (!problem && !(ended && written)) {
    const auto left = deadline - clock.steady();
    if (left.count() <= 0) {
      problem = Error(Fault::setup, spec.argv.front() + " took longer than " + format_duration(timeout));
      break;
    }
    pollfd watched[] = {{written ? -1 : child->output(), POLLIN, 0},
                        {ended ? -1 : child->pidfd(), POLLIN, 0},
                        {errors.get(), POLLIN, 0}};
    if (::poll(watched, 3, static_cast<int>(left.count())) < 0 && errno != EINTR) break;
    if (watched[0].revents != 0) {
      auto more = read_some(child->output(), text, limit);
      if (!more) problem = more.error().during(spec.argv.front());
      written = !more || !*more;
    } else if (watched[1].revents != 0) {
      ended = written = true;  // a grandchild that keeps the pipe open must not keep us
    }
    if (watched[2].revents != 0) hear(errors.get(), complaint);
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
