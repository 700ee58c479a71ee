#include "run/loop.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "handler/stop_signals.hpp"
#include "ledger/cursors.hpp"
#include "run/context.hpp"
#include "run/launch.hpp"

namespace jobrun {

Loop::Loop(World& world, Work work) : world_(world), work_(std::move(work)) {}

Result<void> Loop::open() {
  began_ = world_.clock.steady();
  if (auto ballast = world_.ledger.ensure_ballast(); !ballast) return ballast;
  auto channel = ChannelServer::open(world_.ledger.run_folder());
  if (!channel) return channel.error();
  channel_.emplace(std::move(*channel));
  auto signals = stop_descriptor();
  if (!signals) return signals.error();
  signals_ = std::move(*signals);
  adopt_orphans();
  finished_.run = work_.run;
  queue_.assign(work_.units.begin(), work_.units.end());
  return {};
}

Result<Finished> Loop::run() {
  if (auto opened = open(); !opened) return opened.error();
  if (work_.create) {
    if (auto made = create_run(); !made) return made.error();
  }
  while (busy() || wait_for_more()) {
    gather();
    launch_ready();
    if (auto written = write(); !written) {
      for (auto& slot : slots_) slot->stop_now();
      return written.error();
    }
    act();
  }
  auto run = run_with_id(world_.ledger, finished_.run.id);
  if (run && *run) finished_.run = **run;
  return std::move(finished_);
}

/// Units are needed to choose from, so a new run is read back inside the transaction that makes it and its
/// first claims.
Result<void> Loop::create_run() {
  const auto selected = [&](const Unit& unit) {
    return work_.only.empty() ||
           std::find(work_.only.begin(), work_.only.end(), unit.unit) != work_.only.end();
  };
  auto made = write_turn([&]() -> Result<void> {
    queue_.clear();
    auto id = add_run(world_.ledger, *work_.create, world_.clock.wall());
    if (!id) return id.error();
    auto row = run_with_id(world_.ledger, *id);
    if (!row) return row.error();
    finished_.run = work_.run = **row;
    auto units = units_of(world_.ledger, *id);
    if (!units) return units.error();
    for (auto& unit : *units)
      if (selected(unit)) queue_.push_back(std::move(unit));
    choose();
    return write_body();
  });
  if (made) act();
  return made;
}

Span Loop::wake_time(Span now) {
  Span wake = ended_.empty() ? Span::max() : first_ended_ + end_hold;
  for (auto& slot : slots_)
    wake = std::min(wake, slot->keep_time(now, work_.manifest, marker(*slot), pids_but(nullptr)));
  return wake;
}

void Loop::gather() {
  // First: what has run out of time is ended here, and its end is to be watched for at once.
  const Span before = world_.clock.steady();
  const Span wake = wake_time(before);
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  for (const auto& slot : slots_) {
    if (slot->output_fd() >= 0) watched.push_back({slot->output_fd(), POLLIN, 0});
    // Its end is looked at later while a client of it may still say, within the grace, that an effect
    // happened: a shell that dies of the TERM must not take that word with it.
    if (slot->pidfd() >= 0 && !(slot->is_stopping() && acts(*slot)))
      watched.push_back({slot->pidfd(), POLLIN, 0});
  }
  std::vector<ChannelServer::Watch> channel;
  channel_->watch(channel);
  for (const auto& watch : channel)
    watched.push_back({watch.fd, static_cast<short>(watch.for_writing ? POLLOUT : POLLIN), 0});

  const long long left = wake == Span::max() ? -1 : std::max<long long>(0, (wake - before).count());
  ::poll(watched.data(), watched.size(),
         must_write(before) || channel_->has_backlog()
             ? 0
             : static_cast<int>(std::min<long long>(left, 3'600'000)));

  if (watched[0].revents != 0) take_signal();
  const auto readable = [&](int fd) {
    return fd >= 0 && std::any_of(watched.begin(), watched.end(),
                                  [&](const pollfd& one) { return one.fd == fd && one.revents != 0; });
  };
  const std::size_t heard = requests_.size();
  channel_->gather(requests_);
  for (std::size_t i = heard; i < requests_.size() && !work_.masked.empty(); ++i) {
    ChannelRequest& request = requests_[i].request;
    for (std::string* text : {&request.message, &request.result, &request.verdict.message})
      *text = masked(std::move(*text), work_.masked);
  }
  const Span now = world_.clock.steady();
  for (auto& slot : slots_) {
    if (readable(slot->output_fd())) slot->read_output();
    if (readable(slot->pidfd()))
      slot->reap(work_.manifest, marker(*slot), pids_but(slot.get()), is_alone(*slot), now);
  }
  take_ended(now);
}

void Loop::take_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const bool again = finished_.signal != 0;
    finished_.signal = static_cast<int>(info.ssi_signo);
    for (auto& slot : slots_)
      again ? slot->stop_now() : slot->stop(world_.clock.steady(), work_.manifest.grace);
  }
  stop_starting();
}

void Loop::hear(const ChannelServer::Incoming& incoming) {
  const ChannelRequest& request = incoming.request;
  if (request.op != ChannelOp::hello) return;
  for (const auto& slot : slots_) {
    const bool meant = slot->unit().unit == request.unit && slot->unit().attempts == request.attempt &&
                       finished_.run.run_id == request.run_id && !slot->ended();
    if (!meant) continue;
    auto payload = Json::parse(finished_.run.payload.value_or("null"));
    Json members = Json::object()
                       .set("version", channel_version)
                       .set("config", unit_config(work_.manifest, slot->unit()));
    members.set("payload", payload ? *payload : Json());
    if (work_.manifest.handler == Manifest::Handler::http)
      members.set("generation", finished_.run.generation).set("http_call", work_.manifest.http_call);
    replies_.push_back({incoming.connection, ok_reply(request.id, members), slot->attempt()});
    return;
  }
  replies_.push_back({incoming.connection, error_reply(request.id, "no_such_attempt",
                                                       "that attempt is not running under this jobrun")});
}

Result<void> Loop::write() {
  if (must_write(world_.clock.steady())) {
    choose();
    return write_turn([this] { return write_body(); });
  }
  return answer_requests(world_.clock.wall());
}

Result<void> Loop::answer_requests(Instant now) {
  replies_.clear();
  for (const auto& incoming : requests_) {
    const Slot* slot = slot_of(channel_->attempt_of(incoming.connection));
    if (incoming.request.op == ChannelOp::hello) {
      hear(incoming);
    } else if (slot == nullptr) {
      replies_.push_back({incoming.connection, error_reply(incoming.request.id, "no_attempt",
                                                           "say hello for a running attempt first")});
    } else {
      const Speaker speaker = {
          finished_.run, slot->unit(), slot->attempt(), work_.manifest.keep,
          [&](const std::string& effect) { return is_acted_on(effect, incoming.connection); }};
      auto answered = answer(world_.ledger, speaker, incoming.request, now);
      if (!answered) return answered.error().during("channel");
      const bool grips = answered->grip != Answered::Grip::none;
      replies_.push_back({incoming.connection, std::move(answered->line), 0,
                          grips ? effect_name(finished_.run, incoming.request) : "", answered->grip});
    }
  }
  return {};
}

/// May run twice (full disk): fills its results afresh each time.
Result<void> Loop::write_body() {
  const Instant now = world_.clock.wall();
  judgements_.clear();
  claims_.clear();
  written_call_ = call_;
  if (auto answered = answer_requests(now); !answered) return answered;
  for (auto& slot : ended_) {
    const auto said = std::find_if(requests_.rbegin(), requests_.rend(), [&](const auto& one) {
      return one.request.op == ChannelOp::result && channel_->attempt_of(one.connection) == slot->attempt();
    });
    if (said != requests_.rend()) slot->say(said->request.verdict);
    auto items = work_.manifest.success.min_items ? count_items(world_.ledger, slot->unit().id)
                                                  : Result<std::int64_t>(0);
    if (!items) return items.error();
    const Verdict verdict =
        held_to_success(work_.manifest, slot->verdict(work_.manifest), slot->wall(), *items);
    Judgement made = judge(work_.manifest, finished_.run, slot->unit(), verdict, slot->how(), now);
    slot->describe(made.end);
    if (auto recorded = record_end(world_, work_.manifest, finished_.run, slot->attempt(), made, now);
        !recorded)
      return recorded.error().during("finish");
    judgements_.push_back(std::move(made));
  }
  for (const auto& start : starts_) {
    auto claim = claim_unit(world_, work_.manifest, finished_.run, start.unit.id, written_call_, now);
    if (!claim) return claim.error().during("claim");
    claims_.push_back(std::move(*claim));
  }
  return {};
}

}  // namespace jobrun
