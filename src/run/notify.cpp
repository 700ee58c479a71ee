#include "run/notify.hpp"

#include <poll.h>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/retry.hpp"
#include "ledger/alerts.hpp"
#include "run/alerts.hpp"
#include "run/delivery.hpp"

namespace jobrun {

namespace {

constexpr int most_at_once = 16;
constexpr Span holder_look = std::chrono::milliseconds(20);

/// Growing waits up to an hour; what could not be told within two days is given up.
constexpr RetryPolicy delivery_policy = {100, std::chrono::minutes(1), 2, std::chrono::hours(1),
                                         0.1, std::chrono::hours(48)};

/// Inside Ledger::write(): what became of one letter. Answers what a person should hear.
Result<std::string> write_down(World& world, const Delivery& delivery, const DeliveryEnd& outcome,
                               Instant now) {
  const Letter& letter = delivery.letter;
  if (outcome.sent) {
    if (auto ended = end_letter(world.ledger, letter, "sent", {}, ""); !ended) return ended.error();
    return std::string();
  }
  RetryInput input;
  input.key = letter.token;
  input.counted_attempts = input.same_reason_streak = letter.tries + 1;
  const auto written = parse_instant(letter.written_at);
  input.window_start = written ? *written : now;
  input.now = now;
  input.retry_after = outcome.retry_after;
  const NextAttempt next = next_attempt(delivery_policy, input);
  const bool over = outcome.final || next.exhausted;
  const std::string name =
      printable(delivery.target.to.empty() && delivery.target.url.empty() && delivery.target.command.empty()
                    ? letter.target
                    : delivery.target.name());
  const std::string error = name + ": " + outcome.message;
  auto ended = end_letter(world.ledger, letter, over ? "given_up" : "waiting",
                          over ? std::optional<Instant>() : next.at, error);
  if (!ended) return ended.error();
  return fmt::format(
      "the alert to {} was not delivered ({}); {}", name, outcome.message,
      over ? "it is given up" : "it is tried again from " + format_instant_short(next.at) + " on");
}

/// One round: what is due, all at once. False where nothing was, or we were asked to stop.
Result<bool> deliver(World& world, Span deadline) {
  auto due = due_letters(world.ledger, world.clock.wall(), most_at_once);
  if (!due) return due.error();
  const Span limit = deadline - world.clock.steady();
  std::vector<Delivery> deliveries;
  std::vector<Errand> errands;
  std::vector<DeliveryEnd> outcomes;
  for (Letter& letter : *due) {
    Delivery& delivery = deliveries.emplace_back();
    delivery.letter = std::move(letter);
    delivery.errand = errands.size();
    auto errand = begin_delivery(world, delivery, limit);
    DeliveryEnd& outcome = outcomes.emplace_back();
    if (errand) {
      errands.push_back(std::move(*errand));
    } else {
      outcome.message = errand.error().what();
      delivery.errand = static_cast<std::size_t>(-1);
    }
  }
  Errand::await(errands, world.clock);
  const Instant now = world.clock.wall();
  std::vector<std::string> notes;
  bool stopped = false;
  auto written = deliveries.empty() ? Result<void>() : world.ledger.write([&]() -> Result<void> {
    notes.clear();
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
      const Delivery& delivery = deliveries[i];
      if (delivery.errand < errands.size()) {
        const ErrandEnd& end = errands[delivery.errand].end();
        stopped = stopped || end.cut_off;
        if (end.cut_off) continue;  // no try: the next call makes it
        outcomes[i] = end_delivery(delivery, end, limit, now);
      }
      auto note = write_down(world, delivery, outcomes[i], now);
      if (!note) return note.error();
      if (!note->empty()) notes.push_back(std::move(*note));
    }
    return {};
  });
  if (!written) return written.error();
  for (const auto& note : notes) world.observer.note(note);
  return !stopped && deliveries.size() == most_at_once;
}

Result<void> tell(World& world, const std::string& jobs_folder) {
  auto mail = has_mail(world.ledger, world.clock.wall());
  if (!mail) return mail.error();
  if (!*mail) return {};
  const Span deadline = world.clock.steady() + telling_limit;
  if (auto composed = compose_letters(world, jobs_folder); !composed) return composed;
  // One call delivers at a time, or a receiver would hear the same twice. Another one may have looked before
  // ours were composed, so it is waited for.
  std::optional<Lease> turn;
  while (!turn) {
    auto lease = world.ledger.lease("", "letters");
    if (!lease) return lease.error();
    if (*lease) turn = std::move(**lease);
    if (!turn && world.clock.steady() >= deadline) return {};
    if (!turn) ::poll(nullptr, 0, static_cast<int>(holder_look.count()));
  }
  while (world.clock.steady() < deadline) {
    auto more = deliver(world, deadline);
    if (!more) return more.error();
    if (!*more) break;
  }
  return {};
}

}  // namespace

void tell_people(World& world, const std::string& jobs_folder) {
  if (!tells_people(world)) return;
  if (auto told = tell(world, jobs_folder); !told)
    world.observer.note("alerts could not be delivered: " + told.error().what());
}

}  // namespace jobrun
