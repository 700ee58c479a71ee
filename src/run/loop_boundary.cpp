// Where a preflight ends a run on purpose: before and after each turn that writes, which are all the places
// where a crash can leave something half done. See run/loop.hpp for the turn and run/preflight.hpp for who
// asks.
#include <signal.h>
#include <unistd.h>

#include "base/text.hpp"
#include "run/loop.hpp"

namespace jobrun {

namespace {

std::string name_of(const ChannelRequest& request) {
  const std::string& what =
      request.key.empty() ? request.item.empty() ? request.cursor : request.item : request.key;
  return std::string(word_of(request.op)) + (what.empty() ? "" : " " + printable(clip(what, 60)));
}

}  // namespace

std::string Loop::turn_name() const {
  std::vector<std::string> parts;
  for (const auto& one : requests_)
    if (changes_ledger(one.request.op)) parts.push_back(name_of(one.request));
  for (const auto& slot : ended_) parts.push_back("finish " + printable(slot->unit().unit));
  for (const auto& start : starts_) parts.push_back("claim " + printable(start.unit.unit));
  if (parts.empty()) return "make the run";
  if (parts.size() > 3) parts.resize(3);
  return join(parts, ", ");
}

/// As a machine that goes down: the job's processes and this one, at once.
void Loop::boundary(std::string_view when) {
  if (world_.ends_at == 0 || ++boundaries_ != world_.ends_at) return;
  world_.observer.note("preflight: ended " + std::string(when) + " " + turn_name());
  for (auto& slot : slots_) slot->stop_now();
  kill_orphans("", true, pids_but(nullptr));
  ::kill(::getpid(), SIGKILL);
}

/// One transaction, with a boundary on either side.
Result<void> Loop::write_turn(const std::function<Result<void>()>& body) {
  boundary("before");
  auto written = world_.ledger.write(body);
  if (written) boundary("after");
  return written;
}

}  // namespace jobrun
