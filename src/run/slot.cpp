#include "run/slot.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr Span never = Span::max();
constexpr std::size_t drain_limit = 4 * 1024 * 1024;  // a stray that floods the pipe must not keep us here

}  // namespace

Slot::Slot(Claimed claimed, Lease lease, Output output, Span started)
    : claimed_(std::move(claimed)), lease_(std::move(lease)), output_(std::move(output)), started_(started) {}

void Slot::launch(Child child, const Manifest& manifest) {
  child_ = std::move(child);
  deadline_ = started_ + manifest.timeout;
  if (!child_->never_ran()) return;
  end_ = child_->end(true, usage_);
  ended_ = true;
}

void Slot::fail(const Error& failure) {
  said_ = Verdict::retry("not_started", failure.what());
  ended_ = true;
}

void Slot::cancel() {
  said_ = Verdict::retry("interrupted", "jobrun was asked to stop before the attempt was started");
  interrupted_ = ended_ = true;
}

void Slot::read_output() {
  char buffer[64 * 1024];
  for (std::size_t total = 0; total < drain_limit;) {
    const ssize_t got = ::read(child_->output(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) child_->close_output();
    if (got <= 0) return;
    output_.add(std::string_view(buffer, static_cast<std::size_t>(got)));
    total += static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < sizeof buffer) return;  // a pipe gives all it has
  }
}

void Slot::stop(Span now, Span grace) {
  if (ended_ || !child_ || interrupted_) return;
  interrupted_ = true;
  if (timed_out_) return;
  child_->signal_group(SIGTERM);
  child_->signal_group(SIGCONT);  // a stopped process would not see the TERM
  kill_at_ = now + grace;
}

void Slot::stop_now() {
  interrupted_ = true;
  if (child_ && !ended_) child_->signal_group(SIGKILL);
}

Span Slot::keep_time(Span now, const Manifest& manifest, const std::string& marker,
                     const std::vector<int>& ours) {
  if (ended_ || !child_) return never;
  if (!timed_out_ && !interrupted_) {
    if (now < deadline_) return deadline_;
    timed_out_ = true;
    child_->signal_group(SIGTERM);
    child_->signal_group(SIGCONT);
    kill_at_ = now + manifest.grace;
  }
  if (killed_) return never;
  if (now < kill_at_) return kill_at_;
  killed_ = true;
  child_->signal_group(SIGKILL);
  kill_orphans(marker, false, ours);
  return never;
}

void Slot::reap(const Manifest& manifest, const std::string& marker, const std::vector<int>& ours, bool alone,
                Span now) {
  wall_ = now - started_;
  if (child_->output() >= 0) read_output();
  // What may be left behind is what a job that ended by itself started on purpose.
  const bool leave = manifest.leave_leftovers && !timed_out_ && !interrupted_;
  end_ = child_->end(leave, usage_);
  if (!leave) kill_orphans(marker, alone, ours);
  child_->close_output();
  output_.finish();
  end_.timed_out = timed_out_;
  end_.interrupted = interrupted_;
  ended_ = true;
}

Verdict Slot::verdict(const Manifest& manifest) const {
  if (!child_) return said_.value_or(Verdict::retry("not_started", "the job's process could not be started"));
  Verdict ended = classify(end_, manifest.outcomes, manifest.timeout);
  if ((end_.not_found || end_.not_executable) && !manifest.command.empty())
    ended.message += ": " + printable(clip(manifest.command.front(), 200));
  // A job that had said its result before it was ended had finished its work.
  if (end_.timed_out || end_.interrupted) return said_ && end_.exit_code == 0 ? *said_ : ended;
  if (!said_) return ended;
  // The worker's exit code only repeats what it said.
  if (manifest.handler != Manifest::Handler::command && ended.kind == said_->kind) return *said_;
  return reconcile(*said_, ended);
}

AttemptState Slot::how() const {
  const bool finished_anyway = end_.exit_code == 0;
  return interrupted_ && !timed_out_ && !finished_anyway ? AttemptState::interrupted : AttemptState::done;
}

void Slot::describe(AttemptEnd& end) const {
  if (end_.exit_code) end.exit_code = *end_.exit_code;
  if (end_.signal) end.signal = *end_.signal;
  end.wall_ms = wall_.count();
  end.cpu_ms = usage_.cpu.count();
  if (usage_.peak_kib > 0) end.peak_kib = usage_.peak_kib;
  end.output_head = output_.head();
  end.output_tail = output_.tail();
  end.output_bytes = output_.total();
  end.output_cut = output_.cut();
}

}  // namespace jobrun
