#include "handler/act.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "handler/child.hpp"

namespace jobrun {

namespace {

constexpr std::size_t kept_output = 64 * 1024;  // contract 2.8: bounded
constexpr Span grace = std::chrono::seconds(5);

volatile sig_atomic_t last_signal = 0;

void note(int signal) {
  last_signal = signal;
}

/// Handlers and not SIG_IGN: execve(2) sets them back for the command.
void outlive_signals() {
  struct sigaction noted {};
  noted.sa_handler = note;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::sigaction(signal, &noted, nullptr);
}

/// False when nothing is left to read now.
bool read_output(int fd, const ActSpec& spec, ActEnd& ended) {
  char buffer[64 * 1024];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  std::string_view text(buffer, static_cast<std::size_t>(got));
  const std::size_t room = std::min(text.size(), kept_output - ended.output.size());
  ended.output.append(text.substr(0, room));
  ended.dropped += static_cast<std::int64_t>(text.size() - room);
  // Who reads us may have gone; the command goes on all the same.
  for (ssize_t wrote = 0; spec.output >= 0 && !text.empty();
       text.remove_prefix(static_cast<std::size_t>(wrote))) {
    wrote = ::write(spec.output, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) wrote = 0;
    if (wrote < 0) break;
  }
  return true;
}

std::string path_of(const ActSpec& spec) {
  for (const auto& [name, value] : spec.environment)
    if (name == "PATH") return value;
  return "/usr/local/bin:/usr/bin:/bin";
}

}  // namespace

Result<ActEnd> act(const ActSpec& spec) {
  outlive_signals();
  ChildSpec child_spec;
  child_spec.argv = spec.argv;
  child_spec.program = find_program(spec.argv.front(), path_of(spec)).value_or(spec.argv.front());
  for (const auto& [name, value] : spec.environment) child_spec.environment.push_back(name + "=" + value);
  child_spec.lease = spec.lease;
  child_spec.of_script = true;
  auto child = Child::spawn(child_spec);
  if (!child) return child.error();
  ActEnd ended;
  ChildUsage usage;
  if (child->never_ran()) {
    ended.end = child->end(true, usage);
    return ended;
  }
  const RealClock clock;
  Span act_until = spec.timeout.count() > 0 ? clock.steady() + spec.timeout : Span::max();
  while (true) {
    pollfd watched[] = {{child->output(), POLLIN, 0}, {child->pidfd(), POLLIN, 0}};
    const Span left = act_until == Span::max() ? Span(-1) : std::max(Span(0), act_until - clock.steady());
    const int ready = ::poll(watched, 2, static_cast<int>(std::min<long long>(left.count(), 3'600'000)));
    // One that was meant for us alone; the group's has reached the command by itself, and twice does no harm.
    if (const int signal = last_signal; signal != 0 && signal != SIGPIPE) {
      child->signal_child(signal);
      ended.stop_asked = true;
    }
    last_signal = 0;
    if (ready == 0 && act_until != Span::max() && clock.steady() >= act_until) {
      child->signal_child(ended.end.timed_out ? SIGKILL : SIGTERM);
      ended.end.timed_out = true;
      act_until = clock.steady() + grace;
    }
    if (ready > 0 && watched[0].revents != 0 && !read_output(child->output(), spec, ended))
      child->close_output();
    if (ready > 0 && watched[1].revents != 0) break;
  }
  while (child->output() >= 0 && read_output(child->output(), spec, ended)) {
  }
  const bool timed_out = ended.end.timed_out;
  ended.end = child->end(/*leave_leftovers=*/true, usage);
  ended.end.timed_out = timed_out;
  return ended;
}

}  // namespace jobrun
