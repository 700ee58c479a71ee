#include "contract/verdict.hpp"

#include <catch2/catch.hpp>
#include <csignal>

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

ChildEnd exited(int code) {
  ChildEnd end;
  end.exit_code = code;
  return end;
}

ChildEnd killed(int signal) {
  ChildEnd end;
  end.signal = signal;
  return end;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each verdict has its word") {
  const std::pair<VerdictKind, std::string_view> rows[] = {
      {VerdictKind::done, "done"}, {VerdictKind::retry, "retry"}, {VerdictKind::stop, "stop"}};
  for (const auto& [kind, word] : rows) {
    CHECK(word_of(kind) == word);
    CHECK(verdict_kind(word) == kind);
  }
  CHECK_FALSE(verdict_kind("failed"));
}

TEST_CASE("a reason code is 1 to 64 of a-z 0-9 _ .") {
  for (const std::string_view text : {"ok", "exit_3", "stripe.rate_limit", "9"}) CHECK(is_reason(text));
  CHECK(is_reason(std::string(64, 'a')));
  CHECK_FALSE(is_reason(std::string(65, 'a')));
  for (const std::string_view text : {"", "Rate", "rate-limited", "a b", "caf\xc3\xa9", "a\n"})
    CHECK_FALSE(is_reason(text));
}

TEST_CASE("every exit code has one verdict in the default map") {
  for (int code = 0; code <= 255; ++code) {
    CAPTURE(code);
    const Verdict verdict = classify(exited(code), {}, 1h);
    VerdictKind kind = VerdictKind::retry;
    std::string reason = "exit_" + std::to_string(code);
    if (code == 0) kind = VerdictKind::done, reason = "ok";
    if ((code >= 64 && code <= 74) || (code >= 76 && code <= 78) || code == 80) kind = VerdictKind::stop;
    if (code == 124) reason = "timed_out";
    if (code == 126) kind = VerdictKind::stop, reason = "not_executable";
    if (code == 127) kind = VerdictKind::stop, reason = "not_found";
    CHECK(verdict.kind == kind);
    CHECK(verdict.reason == reason);
    CHECK(is_reason(verdict.reason));
    CHECK(contains(verdict.message, std::to_string(code)));
    CHECK_FALSE(verdict.pause);
    CHECK_FALSE(verdict.retry_after);
  }
}

TEST_CASE("a job that a signal killed is tried again") {
  for (int signal = 1; signal <= 64; ++signal) {
    CAPTURE(signal);
    const Verdict verdict = classify(killed(signal), {}, 1h);
    CHECK(verdict.kind == VerdictKind::retry);
    CHECK(is_reason(verdict.reason));
    CHECK(contains(verdict.message, signal_name(signal)));
  }
  CHECK(classify(killed(SIGKILL), {}, 1h).reason == "killed_sigkill");
  CHECK(classify(killed(SIGSEGV), {}, 1h).reason == "killed_sigsegv");
  CHECK(classify(killed(34), {}, 1h).reason == "killed_signal_34");
  CHECK(contains(classify(killed(SIGKILL), {}, 1h).message, "out of memory"));
}

TEST_CASE("a time-out is tried again and names its limit, however the job ended") {
  for (ChildEnd end : {exited(0), exited(1), exited(80), killed(SIGTERM), killed(SIGKILL)}) {
    end.timed_out = true;
    const Verdict verdict = classify(end, {}, 5min);
    CHECK(verdict.kind == VerdictKind::retry);
    CHECK(verdict.reason == "timed_out");
    CHECK(verdict.message == "ended by jobrun after the time-out of 5m");
  }
}

TEST_CASE("a TERM of jobrun's own is an interruption, never the job's failure") {
  for (ChildEnd end : {exited(1), exited(80), exited(143), killed(SIGTERM), killed(SIGKILL)}) {
    end.interrupted = true;
    const Verdict verdict = classify(end, {}, 1h);
    CHECK(verdict.kind == VerdictKind::retry);
    CHECK(verdict.reason == "interrupted");
  }
}

TEST_CASE("a job that finished with 0 although it was asked to stop is done") {
  ChildEnd end = exited(0);
  end.interrupted = true;
  CHECK(classify(end, {}, 1h).kind == VerdictKind::done);
}

TEST_CASE("a command that can't be started stops the job") {
  ChildEnd end;
  end.not_found = true;
  CHECK(classify(end, {}, 1h).kind == VerdictKind::stop);
  CHECK(classify(end, {}, 1h).reason == "not_found");
  end = {};
  end.not_executable = true;
  CHECK(classify(end, {}, 1h).kind == VerdictKind::stop);
  CHECK(classify(end, {}, 1h).reason == "not_executable");
}

TEST_CASE("an end that nobody saw is tried again") {
  CHECK(classify(ChildEnd{}, {}, 1h).kind == VerdictKind::retry);
}

TEST_CASE("the manifest's rules come before the default map and the first match wins") {
  const std::vector<OutcomeRule> rules = {
      {{{1, 1}, {20, 29}}, {}, Verdict::retry("flaky", "")},
      {{{20, 30}}, {SIGHUP}, Verdict::stop("rejected", "the token was rejected", true)},
      {{{75, 75}, {127, 127}}, {SIGUSR1}, Verdict{VerdictKind::stop, "", "", false, {}}},
      {{{3, 3}}, {}, Verdict{VerdictKind::done, "", "nothing to do", false, {}}},
  };
  struct Row {
    ChildEnd end;
    VerdictKind kind;
    std::string reason, message;
    bool pause;
  };
  const Row rows[] = {
      {exited(1), VerdictKind::retry, "flaky", "exited with 1", false},
      {exited(20), VerdictKind::retry, "flaky", "exited with 20", false},
      {exited(29), VerdictKind::retry, "flaky", "exited with 29", false},
      {exited(30), VerdictKind::stop, "rejected", "the token was rejected", true},
      {killed(SIGHUP), VerdictKind::stop, "rejected", "the token was rejected", true},
      {exited(75), VerdictKind::stop, "exit_75", "exited with 75, which asks to try again", false},
      {exited(127), VerdictKind::stop, "exit_127", "exited with 127: a command was not found", false},
      {killed(SIGUSR1), VerdictKind::stop, "killed_sigusr1", "killed by SIGUSR1", false},
      {exited(3), VerdictKind::done, "ok", "nothing to do", false},
      {exited(2), VerdictKind::retry, "exit_2", "exited with 2", false},
      {exited(0), VerdictKind::done, "ok", "exited with 0", false},
  };
  for (const Row& row : rows) {
    const Verdict verdict = classify(row.end, rules, 1h);
    CAPTURE(row.reason, row.end.exit_code.value_or(-1));
    CHECK(verdict.kind == row.kind);
    CHECK(verdict.reason == row.reason);
    CHECK(verdict.message == row.message);
    CHECK(verdict.pause == row.pause);
  }
}

TEST_CASE("the manifest's rules are not asked about an end that jobrun itself brought about") {
  const std::vector<OutcomeRule> rules = {{{{0, 255}}, {SIGTERM, SIGKILL}, Verdict::stop("rule", "")}};
  ChildEnd timed_out = killed(SIGKILL);
  timed_out.timed_out = true;
  CHECK(classify(timed_out, rules, 1h).reason == "timed_out");
  ChildEnd interrupted = exited(1);
  interrupted.interrupted = true;
  CHECK(classify(interrupted, rules, 1h).reason == "interrupted");
  ChildEnd not_found = exited(127);
  not_found.not_found = true;
  CHECK(classify(not_found, rules, 1h).reason == "not_found");
  CHECK(classify(exited(127), rules, 1h).reason == "rule");  // a child that ran and said 127 itself
}

TEST_CASE("what a job said and how it ended: the worse wins and the message says so") {
  const Verdict done = Verdict::done("12 invoices");
  const Verdict retry = Verdict::retry("rate_limited", "asked to wait", 2min);
  const Verdict stop = Verdict::stop("bad_input", "no such account");

  Verdict verdict = reconcile(done, classify(exited(1), {}, 1h));
  CHECK(verdict.kind == VerdictKind::retry);
  CHECK(verdict.reason == "exit_1");
  CHECK(verdict.message == "exited with 1; against that, the job had said done (12 invoices)");

  verdict = reconcile(stop, classify(exited(75), {}, 1h));
  CHECK(verdict.kind == VerdictKind::stop);
  CHECK(verdict.reason == "bad_input");

  verdict = reconcile(retry, classify(exited(78), {}, 1h));
  CHECK(verdict.kind == VerdictKind::stop);
  CHECK(verdict.reason == "exit_78");
  CHECK_FALSE(verdict.retry_after);
}

TEST_CASE("a job that says retry or stop and exits with 0 contradicts nothing: its word is kept") {
  const Verdict verdict =
      reconcile(Verdict::retry("rate_limited", "asked to wait", 2min), classify(exited(0), {}, 1h));
  CHECK(verdict.kind == VerdictKind::retry);
  CHECK(verdict.reason == "rate_limited");
  CHECK(verdict.retry_after == Span(2min));
  CHECK(verdict.message == "asked to wait");
}

TEST_CASE("where a job's word and its end agree, its word is kept") {
  Verdict verdict = reconcile(Verdict::done("12 invoices"), classify(exited(0), {}, 1h));
  CHECK(verdict.message == "12 invoices");
  verdict = reconcile(Verdict::done(), classify(exited(0), {}, 1h));
  CHECK(verdict.message == "exited with 0");
  verdict = reconcile(Verdict::retry("a", "b", 10s), Verdict::retry("c", "d", 20s));
  CHECK(verdict.reason == "a");
  CHECK(verdict.message == "b");
  CHECK(verdict.retry_after == Span(20s));
  verdict = reconcile(Verdict::stop("a", "b"), Verdict::stop("c", "d", true));
  CHECK(verdict.reason == "a");
  CHECK(verdict.pause);
}

TEST_CASE("signals have the names of signal(7)") {
  CHECK(signal_name(15) == "SIGTERM");
  CHECK(signal_name(9) == "SIGKILL");
  CHECK(signal_name(99) == "signal 99");
  CHECK(signal_number("SIGTERM") == 15);
  CHECK_FALSE(signal_number("TERM"));
  CHECK_FALSE(signal_number(""));
  for (int number = 1; number <= 31; ++number) CHECK(signal_number(signal_name(number)) == number);
}
