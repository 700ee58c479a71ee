#include "contract/trace.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;

namespace {

const std::string kId = "4bf92f3577b34da6a3ce929d0e0e4736", kParent = "00f067aa0ba902b7";

}  // namespace

TEST_CASE("a caller's trace is gone on with, its word on sampling included") {
  const Trace sampled = trace_of("00-" + kId + "-" + kParent + "-01", "sync", "2026-04-12", "nightly");
  CHECK(sampled.id == kId);
  CHECK(sampled.parent == kParent);
  CHECK(traceparent(sampled, span_id("x")) == "00-" + kId + "-" + span_id("x") + "-01");
  CHECK(traceparent(*parse_traceparent("00-" + kId + "-" + kParent + "-00"), kParent) ==
        "00-" + kId + "-" + kParent + "-00");
  CHECK(parse_traceparent("00-" + kId + "-" + kParent + "-03")->sampled);  // unknown flags are passed over
  CHECK(parse_traceparent("cc-" + kId + "-" + kParent + "-01-more")->id == kId);  // a later version
}

TEST_CASE("what is no traceparent is ignored, and the trace follows from the run") {
  const Trace own = trace_of("", "sync", "2026-04-12", "nightly");
  CHECK(own.id.size() == 32);
  CHECK(own.parent.empty());
  CHECK(own.sampled);
  CHECK(trace_of("", "sync", "2026-04-12", "nightly").id == own.id);
  CHECK(trace_of("", "sync", "2026-04-13", "nightly").id != own.id);
  for (const std::string& bad :
       {std::string("x"), "00-" + kId + "-" + kParent, "00-" + kId + "-" + kParent + "-1",
        "00-" + kId + "-" + kParent + "-01-", "00-" + kId + "-" + kParent + "-01x",
        "ff-" + kId + "-" + kParent + "-01", "00-00000000000000000000000000000000-" + kParent + "-01",
        "00-" + kId + "-0000000000000000-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kParent + "-01",
        "00_" + kId + "-" + kParent + "-01"}) {
    INFO(bad);
    CHECK_FALSE(parse_traceparent(bad));
    CHECK(trace_of(bad, "sync", "2026-04-12", "nightly").id == own.id);
  }
}
