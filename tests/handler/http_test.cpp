#include "handler/http.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/text.hpp"
#include "support/loopback_server.hpp"

using namespace jobrun;
using jobrun_test::Connection;
using jobrun_test::LoopbackServer;
using Failure = HttpReply::Failure;
using std::chrono::milliseconds;

namespace {

HttpRequest get(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  request.timeout = std::chrono::seconds(20);
  return request;
}

HttpRequest post(std::string url, std::string body) {
  HttpRequest request = get(std::move(url));
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

std::string answer(std::string_view status, std::string_view headers, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// A server that gives every request the same bytes, and keeps the connection or closes it.
LoopbackServer::Talk always(std::string bytes, bool keep = true) {
  return [bytes = std::move(bytes), keep](Connection& peer, const std::string&) {
    peer.say(bytes);
    return keep;
  };
}

int freed_port() {
  return LoopbackServer(always("")).port();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("An answer has its status, body, type and raw Retry-After") {
  LoopbackServer server(always(answer("503 Service Unavailable",
                                      "Content-Type: text/plain\r\nretry-AFTER:  Sun, 12 Apr 2026 "
                                      "02:00:00 GMT \r\n",
                                      "later")));
  HttpClient client;
  HttpRequest request = get(server.url("/a?b=c"));
  request.headers = {{"X-Jobrun-Run", "nightly/customer_1#2"}, {"X-Empty", ""}};
  const HttpReply reply = client.perform(request);
  CHECK(reply.failure == Failure::none);
  CHECK(reply.status == 503);
  CHECK(reply.body == "later");
  CHECK(reply.content_type == "text/plain");
  CHECK(reply.retry_after == "Sun, 12 Apr 2026 02:00:00 GMT");
  CHECK(reply.request_sent);
  REQUIRE(server.requests().size() == 1);
  const std::string seen = server.requests()[0];
  CHECK(seen.rfind("GET /a?b=c HTTP/1.1\r\n", 0) == 0);
  CHECK(has(seen, "X-Jobrun-Run: nightly/customer_1#2\r\n"));
  CHECK(has(seen, "X-Empty:\r\n"));
  CHECK(has(seen, "Accept-Encoding: gzip\r\n"));
}

TEST_CASE("The Retry-After of an interim answer does not count") {
  LoopbackServer server(
      always("HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n" + answer("204 No Content", "", "")));
  const HttpReply reply = HttpClient().perform(get(server.url()));
  CHECK(reply.status == 204);
  CHECK(reply.retry_after.empty());
}

TEST_CASE("A body is sent whole, at once, and with no type that nobody asked for") {
  LoopbackServer server(always(answer("200 OK", "", "")));
  const std::string body(2 * 1024 * 1024, 'x');
  const HttpReply reply = HttpClient().perform(post(server.url("/in"), body));
  CHECK(reply.status == 200);
  REQUIRE(server.requests().size() == 1);
  const std::string seen = server.requests()[0];
  CHECK(seen.rfind("POST /in HTTP/1.1\r\n", 0) == 0);
  CHECK(seen.substr(seen.find("\r\n\r\n") + 4) == body);
  CHECK(!has(seen, "Expect:"));
  CHECK(!has(seen, "Content-Type:"));
}

TEST_CASE("Other methods are sent as they are, a HEAD has no body to wait for") {
  LoopbackServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  HttpClient client;
  HttpRequest request = get(server.url());
  request.method = "HEAD";
  CHECK(client.perform(request).status == 200);
  LoopbackServer other(always(answer("200 OK", "", "")));
  request = post(other.url(), "{}");
  request.method = "PUT";
  CHECK(client.perform(request).status == 200);
  CHECK(other.requests()[0].rfind("PUT / ", 0) == 0);
  request = get(other.url());  // nothing of the last request is left
  CHECK(client.perform(request).status == 200);
  CHECK(other.requests()[1].rfind("GET / ", 0) == 0);
  CHECK(!has(other.requests()[1], "Content-Length"));
}

TEST_CASE("A refused connection and an unknown host have sent nothing") {
  HttpClient client;
  const std::string port = std::to_string(freed_port());
  const HttpReply refused = client.perform(get("http://bob:s3cret@127.0.0.1:" + port + "/v1/x?key=s3cret#f"));
  CHECK(refused.failure == Failure::not_sent);
  CHECK(refused.status == 0);
  CHECK(!refused.request_sent);
  CHECK(has(refused.message, "http://127.0.0.1:" + port + "/v1/x: "));
  CHECK(!has(refused.message, "s3cret"));
  const HttpReply unknown = client.perform(get("http://nobody.invalid/"));
  CHECK(unknown.failure == Failure::not_sent);
  CHECK(has(unknown.message, "http://nobody.invalid/: "));
}

TEST_CASE("A silent server is a time-out after the request was sent") {
  LoopbackServer server([](Connection&, const std::string&) { return true; });
  HttpRequest request = post(server.url("/hook"), "{}");
  request.timeout = milliseconds(200);
  const HttpReply reply = HttpClient().perform(request);
  CHECK(reply.failure == Failure::timed_out);
  CHECK(reply.status == 0);
  CHECK(reply.request_sent);
  CHECK(has(reply.message, "/hook: no whole answer within 200ms"));
}

TEST_CASE("A server that drips is a time-out too") {
  LoopbackServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"));
  HttpRequest request = get(server.url());
  request.timeout = milliseconds(200);
  const HttpReply reply = HttpClient().perform(request);
  CHECK(reply.failure == Failure::timed_out);
  CHECK(reply.status == 0);
  CHECK(reply.body.empty());
}

TEST_CASE("A connection that ends before the whole answer is lost") {
  SECTION("closed after the request") {
    LoopbackServer server(always("", false));
    const HttpReply reply = HttpClient().perform(post(server.url(), "{}"));
    CHECK(reply.failure == Failure::connection_lost);
    CHECK(reply.request_sent);
    CHECK(server.requests().size() == 1);
  }
  SECTION("reset after the request") {
    LoopbackServer server([](Connection& peer, const std::string&) {
      peer.end_with_reset();
      return false;
    });
    const HttpReply reply = HttpClient().perform(post(server.url(), "{}"));
    CHECK(reply.failure == Failure::connection_lost);
    CHECK(reply.request_sent);
  }
  SECTION("a body shorter than its length") {
    LoopbackServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"has_more\":", false));
    const HttpReply reply = HttpClient().perform(get(server.url()));
    CHECK(reply.failure == Failure::connection_lost);
    CHECK(reply.status == 0);
    CHECK(reply.body.empty());
  }
  SECTION("an answer that is no HTTP") {
    LoopbackServer server(always("SSH-2.0-OpenSSH_9.2\r\n", false));
    const HttpReply reply = HttpClient().perform(get(server.url()));
    CHECK(reply.failure == Failure::connection_lost);
    CHECK(reply.request_sent);
  }
}

TEST_CASE("A TLS handshake that does not come about has sent no request") {
  LoopbackServer server(always(answer("400 Bad Request", "", "")));
  HttpRequest request = get("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.connect_timeout = milliseconds(200);
  const HttpReply reply = HttpClient().perform(request);
  CHECK(reply.failure == Failure::not_sent);
  CHECK(!reply.request_sent);
}

TEST_CASE("The limit on the body holds for decoded bytes") {
  // 100,000 times "a".
  const auto packed =
      base64_decode("H4sIAAAAAAACA+3BMQEAAADCoKzrX8IaHkAB" + std::string(128, 'A') + "rwaH+uIboIYBAA==");
  REQUIRE(packed);
  HttpClient client;
  SECTION("plain") {
    LoopbackServer server(always(answer("200 OK", "", std::string(2000, 'a'))));
    HttpRequest request = get(server.url());
    request.body_limit = 2000;
    CHECK(client.perform(request).body.size() == 2000);
    request.body_limit = 1999;
    const HttpReply reply = client.perform(request);
    CHECK(reply.failure == Failure::too_large);
    CHECK(reply.status == 200);
    CHECK(reply.body.empty());
    CHECK(has(reply.message, "longer than 1999 bytes"));
  }
  SECTION("packed") {
    LoopbackServer server(always(answer("200 OK", "Content-Encoding: gzip\r\n", *packed)));
    HttpRequest request = get(server.url());
    CHECK(client.perform(request).body == std::string(100'000, 'a'));
    request.body_limit = 99'999;
    CHECK(client.perform(request).failure == Failure::too_large);
  }
  SECTION("packed wrongly") {
    LoopbackServer server(always(answer("200 OK", "Content-Encoding: gzip\r\n", "not gzip at all")));
    const HttpReply reply = client.perform(get(server.url()));
    CHECK(reply.failure == Failure::refused_by_us);
    CHECK(reply.request_sent);
  }
  SECTION("without a length") {
    LoopbackServer server(always("HTTP/1.1 200 OK\r\n\r\n" + std::string(200'000, 'a'), false));
    HttpRequest request = get(server.url());
    request.body_limit = 1000;
    CHECK(client.perform(request).failure == Failure::too_large);
  }
}

TEST_CASE("A header without end is cut off") {
  LoopbackServer server([](Connection& peer, const std::string&) {
    peer.say("HTTP/1.1 200 OK\r\n");
    for (int line = 0; line < 100; ++line) peer.say("X-Filler: " + std::string(4000, 'x') + "\r\n");
    peer.say("Content-Length: 0\r\n\r\n");
    return false;
  });
  const HttpReply reply = HttpClient().perform(get(server.url()));
  CHECK(reply.failure != Failure::none);
  CHECK(reply.status == 0);
  CHECK(reply.request_sent);
}

TEST_CASE("A redirect is an answer, and is not followed") {
  LoopbackServer elsewhere(always(answer("200 OK", "", "")));
  LoopbackServer server(always(answer("302 Found", "Location: " + elsewhere.url() + "\r\n", "")));
  const HttpReply reply = HttpClient().perform(get(server.url()));
  CHECK(reply.status == 302);
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("A proxy of the environment is not used") {
  ::setenv("http_proxy", ("http://127.0.0.1:" + std::to_string(freed_port())).c_str(), 1);
  LoopbackServer server(always(answer("200 OK", "", "")));
  CHECK(HttpClient().perform(get(server.url())).status == 200);
  ::unsetenv("http_proxy");
}

TEST_CASE("A POST is never sent a second time where a kept connection turns out dead") {
  LoopbackServer server([](Connection& peer, const std::string& request) {
    if (request.rfind("POST", 0) == 0) return false;  // read, and not answered
    peer.say(answer("200 OK", "", "ok"));
    return true;
  });
  HttpClient client;
  CHECK(client.perform(get(server.url())).status == 200);
  CHECK(client.perform(get(server.url())).status == 200);
  CHECK(server.connections() == 1);  // a GET does use a kept connection
  const HttpReply reply = client.perform(post(server.url(), "{}"));
  CHECK(reply.failure == Failure::connection_lost);
  CHECK(reply.request_sent);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("What is not sound is refused before anything is sent") {
  LoopbackServer server(always(answer("200 OK", "", "")));
  HttpClient client;
  HttpRequest request = get(server.url());
  SECTION("a header that would become two") {
    request.headers = {{"X-A", "1\r\nX-B: 2"}};
  }
  SECTION("a header's name with a blank") {
    request.headers = {{"X A", "1"}};
  }
  SECTION("a method that is no word") {
    request.method = "GET / HTTP/1.1\r\n";
  }
  SECTION("a URL with a line feed") {
    request.url += "\nX";
  }
  SECTION("a URL with a blank") {
    request.url += "a b";
  }
  SECTION("no URL") {
    request.url.clear();
  }
  SECTION("a file") {
    request.url = "file:///etc/passwd";
  }
  SECTION("FTP") {
    request.url = "ftp://127.0.0.1:" + std::to_string(server.port()) + "/";
  }
  const HttpReply reply = client.perform(request);
  CHECK(reply.failure == Failure::refused_by_us);
  CHECK(reply.status == 0);
  CHECK(!reply.request_sent);
  CHECK(!reply.message.empty());
  CHECK(server.connections() == 0);
}

TEST_CASE("A missing libcurl is told with what to install") {
  const HttpReply reply = HttpClient("libcurl-of-nowhere.so.4").perform(get("http://127.0.0.1:1/"));
  CHECK(reply.failure == Failure::refused_by_us);
  CHECK(reply.status == 0);
  CHECK(reply.message == "libcurl-of-nowhere.so.4 is missing (apt-get install libcurl4)");
}
