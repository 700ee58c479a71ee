#include "cli/screen.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "support/temporary_folder.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

struct HandClock final : Clock {
  Span at{};
  Instant wall() const override { return Instant(at); }
  Span steady() const override { return at; }
};

/// Standard error goes to a file while this lives.
class Caught {
 public:
  Caught() : path_(folder_.path() + "/err"), before_(::dup(STDERR_FILENO)) {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~Caught() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  Caught(const Caught&) = delete;
  Caught& operator=(const Caught&) = delete;
  std::string text() const {
    auto all = read_file(path_, 1 << 20);
    return all ? *all : all.error().what();
  }
  std::ptrdiff_t lines() const {
    const std::string all = text();
    return std::count(all.begin(), all.end(), '\n');
  }

 private:
  jobrun_test::TemporaryFolder folder_;
  std::string path_;
  int before_;
};

void work(RunScreen& screen, const std::string& message) {
  Run run;
  run.job = "sync";
  run.run_id = "nightly";
  Unit unit;
  unit.unit = "a";
  screen.progress(run, unit, 2, message, 0.25);
}

}  // namespace

TEST_CASE("off a terminal a long run says once a minute how far it is, a short one not at all") {
  HandClock clock;
  Caught err;
  Log log(LogForm::logfmt, true, clock);
  RunScreen screen(log, false);
  for (; clock.at < 60s; clock.at += 1s) work(screen, "early");
  CHECK(err.lines() == 0);
  work(screen, "page 3\nof 9");
  CHECK(err.text() ==
        "ts=1970-01-01T00:01:00.000Z level=info msg=progress unit=a attempt=2 "
        "message=\"page 3\\nof 9\" fraction=0.250\n");
  for (; clock.at < 300s; clock.at += 1s) work(screen, "late");
  CHECK(err.lines() == 4);
}

TEST_CASE("a quiet run is quiet about its progress too") {
  HandClock clock;
  Caught err;
  Log log(LogForm::text, true, clock);
  RunScreen quiet(log, true), loud(log, false);
  clock.at = 1h;
  work(quiet, "page 3");
  CHECK(err.lines() == 0);
  work(loud, "page 3");
  CHECK(err.text() == "nightly/a#2: 25% page 3\n");
}
