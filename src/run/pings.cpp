#include "run/pings.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/manifest_parts.hpp"
#include "handler/output.hpp"
#include "handler/sender.hpp"
#include "run/catalog.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_heard = 8 * 1024;  // of a body; the services keep 10 to 100 kB

}  // namespace

Pings::Pings(World& world, const PingSpec& spec, const std::string& folder, std::vector<std::string> masked)
    : world_(world), url_(spec.url), masked_(std::move(masked)) {
  const auto reference = secret_reference(spec.url);
  if (!reference) return;
  auto value = secret_value(*reference, folder, world.environment);
  if (!value) world.observer.note("pings: " + spec.url + ": " + value.error().what());
  url_ = value ? *value : "";
}

void Pings::send(const std::string& word, const std::string& body, Span deadline) {
  HttpRequest request;
  request.method = "POST";
  const std::size_t query = std::min(url_.find('?'), url_.size());
  std::string path = url_.substr(0, query);
  while (path.ends_with('/')) path.pop_back();
  request.url = path + word + (query == url_.size() ? "?" : url_.substr(query) + "&") + "rid=" + rid_;
  request.headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"User-Agent", "jobrun/" JOBRUN_VERSION}};
  request.body = masked(body, masked_);
  request.timeout = deadline - world_.clock.steady();
  auto errand =
      Errand::start(sender_spec(value_of(world_.environment, "SSL_CERT_FILE")), parcel(request), deadline);
  if (errand) {
    errands_.push_back(std::move(*errand));
  } else {
    world_.observer.note("pings: " + errand.error().what());
  }
}

void Pings::start(const Run& run, const Unit& unit, int attempt) {
  if (!rid_.empty() || url_.empty()) return;
  rid_ = uuid_v5(attempt_name(run.run_id, unit.unit, attempt));
  send("/start", "", world_.clock.steady() + ping_limit);
}

void Pings::hear(const Unit& unit, const std::vector<std::string>& tail) {
  if (unit.state == UnitState::done || heard_.size() > most_heard) return;
  if (unit.unit != "-") heard_ += printable(unit.unit) + ": ";
  heard_ += unit.reason + (unit.message.empty() ? "" : ": " + unit.message) + "\n";
  for (const auto& line : tail) heard_ += "  " + line + "\n";
}

void Pings::end(Exit exit, const std::string& headline) {
  if (rid_.empty()) return;
  const Span deadline = world_.clock.steady() + ping_limit;
  Errand::await(errands_, world_.clock);  // the end must not overtake the start
  if (world_.clock.steady() < deadline) {
    // Not the failure of a check: it will be tried again, or somebody else has it.
    const bool goes_on = exit == Exit::retry || exit == Exit::busy || exit == Exit::paused;
    send(exit == Exit::done ? ""
         : goes_on          ? "/log"
                            : "/fail",
         headline + "\n" + clip(heard_, most_heard), deadline);
    Errand::await(errands_, world_.clock);
  }
  for (const Errand& errand : errands_) {
    const Sent how = sent(errand.end());
    if (how.taken) continue;
    world_.observer.note("a ping was not delivered: " + how.message);
    return;
  }
}

}  // namespace jobrun
