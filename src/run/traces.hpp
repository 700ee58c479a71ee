// Spans of what one call brings on, sent to who collects traces: the call, and each attempt below it. Listens
// in on the observer that it stands before. Sends once, when the run's answer is known and durable, by an
// errand with a limit; what becomes of it changes nothing, and a collector that did not take the spans is not
// asked again by this process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/otlp.hpp"
#include "run/request.hpp"
#include "run/world.hpp"

namespace jobrun {

class Traces final : public Observer {
 public:
  /// Where spans are to go for this run; nothing where nobody wants them, or its trace is not sampled.
  static std::optional<OtlpSettings> wanted(const World& world, const RunRequest& request,
                                            const std::string& endpoint);

  Traces(const World& world, OtlpSettings settings);

  void note(const std::string& text) override;
  void unit_started(const Run& run, const Unit& unit, int attempt) override;
  void unit_ended(const Run& run, const Unit& unit, const AttemptEnd& end,
                  const std::vector<std::string>& tail) override;
  void progress(const Run& run, const Unit& unit, int attempt, const std::string& message,
                std::optional<double> fraction) override;

  /// Why the spans did not arrive; empty where they did, or there was nothing to send.
  std::string send(const Answer& answer);

 private:
  TraceSpan call_span(const Answer& answer, const Trace& trace) const;

  const World& world_;
  OtlpSettings settings_;
  Instant began_;
  std::vector<TraceSpan> attempts_;
  std::int64_t left_out_ = 0;
};

}  // namespace jobrun
