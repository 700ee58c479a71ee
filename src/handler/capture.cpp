#include "handler/capture.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

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

}  // namespace

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string text;
  while (true) {
    auto more = read_some(fd, text, limit);
    if (!more) return more.error();
    if (!*more) return text;
  }
}

Result<std::string> capture(const ChildSpec& spec, Span timeout, std::size_t limit) {
  auto child = Child::spawn(spec);
  if (!child) return child.error();
  std::string text;
  const RealClock clock;
  const Span deadline = clock.steady() + timeout;
  std::optional<Error> problem;
  while (!child->never_ran() && !problem) {
    pollfd watched[] = {{child->output(), POLLIN, 0}, {child->pidfd(), POLLIN, 0}};
    const auto left = deadline - clock.steady();
    if (left.count() <= 0) {
      problem = Error(Fault::setup, spec.argv.front() + " took longer than " + format_duration(timeout));
      break;
    }
    if (::poll(watched, 2, static_cast<int>(left.count())) < 0 && errno != EINTR) break;
    const bool ended = watched[1].revents != 0;
    if (watched[0].revents != 0) {
      auto more = read_some(child->output(), text, limit);
      if (!more) problem = more.error().during(spec.argv.front());
      if (more && *more) continue;
      if (more && !ended) ::poll(&watched[1], 1, static_cast<int>(left.count()));
      break;
    }
    if (ended) break;
  }
  ChildUsage usage;
  const ChildEnd end = child->end(/*leave_leftovers=*/false, usage);
  if (problem) return *problem;
  const Verdict verdict = classify(end, {}, timeout);
  if (verdict.kind != VerdictKind::done)
    return Error(Fault::setup, spec.argv.front() + ": " + verdict.message +
                                   (text.empty() ? "" : ": " + printable(clip(text, 300))));
  return text;
}

}  // namespace jobrun
