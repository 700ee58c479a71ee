#include "handler/sender.hpp"

#include <catch2/catch.hpp>

#include "base/json.hpp"
#include "support/loopback_server.hpp"

using namespace jobrun;

namespace {

ErrandEnd ran(const std::string& line, std::string_view input, Span limit) {
  const RealClock clock;
  ChildSpec spec;
  spec.program = "/bin/sh";
  spec.argv = {"sh", "-c", line};
  spec.workdir = "/";
  std::vector<Errand> errands;
  auto errand = Errand::start(spec, input, clock.steady() + limit);
  REQUIRE(errand);
  errands.push_back(std::move(*errand));
  Errand::await(errands, clock);
  REQUIRE(errands[0].ended());
  return errands[0].end();
}

}  // namespace

TEST_CASE("An errand is given its input and its answer is kept") {
  const ErrandEnd end = ran("cat; echo said >&2", "given ", std::chrono::seconds(20));
  CHECK(end.is_good());
  CHECK(end.answer == "given said\n");
}

TEST_CASE("An errand that takes too long is ended") {
  const ErrandEnd end = ran("exec sleep 600", "", std::chrono::milliseconds(50));
  CHECK(end.too_late);
  CHECK_FALSE(end.is_good());
}

TEST_CASE("An errand that fails says so, and a flood of words is cut") {
  const ErrandEnd end = ran("head -c 300000 /dev/zero; exit 3", "", std::chrono::seconds(20));
  CHECK(end.how.exit_code == 3);
  CHECK(end.answer.size() == 64 * 1024);
}

TEST_CASE("A program that is not there is an errand that has ended") {
  const RealClock clock;
  ChildSpec spec;
  spec.program = "/nonexistent/program";
  spec.argv = {"program"};
  spec.workdir = "/";
  auto errand = Errand::start(spec, "", clock.steady() + std::chrono::seconds(20));
  REQUIRE(errand);
  CHECK(errand->ended());
  CHECK(errand->end().how.not_found);
}

TEST_CASE("What the sender says of an address is its host alone") {
  HttpRequest request;
  request.method = "POST";
  request.url = "http://127.0.0.1:1/services/SECRET/path?token=SECRET";
  request.body = "{}";
  ErrandEnd end;
  end.how.exit_code = 0;
  end.answer = send_parcel(parcel(request));
  const Sent how = sent(end);
  CHECK_FALSE(how.taken);
  CHECK(how.status == 0);
  CHECK(how.message.find("http://127.0.0.1:1: ") == 0);
  CHECK(how.message.find("SECRET") == std::string::npos);
}

TEST_CASE("A password for a mail server leaves this machine by TLS only") {
  Mail mail;
  for (const char* local :
       {"smtp://localhost:25", "smtp://127.0.0.1", "smtp://[::1]:25", "smtp://localhost"}) {
    mail.url = local;
    CHECK(mail.is_local());
  }
  for (const char* other :
       {"smtp://mail.example.com:25", "smtp://localhost.example.com", "smtps://10.0.0.1"}) {
    mail.url = other;
    CHECK_FALSE(mail.is_local());
  }
}
