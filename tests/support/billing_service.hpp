// tests/support/billing_api.py as a child process: begun with a test, ended with it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"
#include "handler/http.hpp"

namespace jobrun_test {

/// The nearest folder above the program or the working directory that has `name` in it.
inline std::string source_file(const std::string& name) {
  char buffer[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", buffer, sizeof buffer);
  const std::string program(buffer, length > 0 ? static_cast<std::size_t>(length) : 0);
  for (const std::string& start : {jobrun::path_absolute("x"), program}) {
    for (std::string folder = jobrun::path_folder(start); folder.size() > 1;
         folder = jobrun::path_folder(folder)) {
      if (jobrun::exists(jobrun::path_join(folder, name))) return jobrun::path_join(folder, name);
    }
  }
  std::abort();
}

class BillingService {
 public:
  explicit BillingService(std::vector<std::string> options) {
    std::vector<std::string> words = {"python3", source_file("tests/support/billing_api.py"), "--port", "0",
                                      "--any-time"};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (::pipe2(ends, O_CLOEXEC) != 0 || ::posix_spawn_file_actions_init(&actions) != 0 ||
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1) != 0 ||
        ::posix_spawnp(&pid_, "python3", &actions, nullptr, argv.data(), environ) != 0)
      std::abort();
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string line;  // "billing_api listens on http://127.0.0.1:PORT"
    for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(ends[0]);
    url_ = line.substr(line.rfind(' ') + 1);
  }
  BillingService(const BillingService&) = delete;
  BillingService& operator=(const BillingService&) = delete;
  ~BillingService() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  const std::string& url() const { return url_; }

  jobrun::Json admin(const std::string& method, const std::string& path, const std::string& body = {}) {
    jobrun::HttpRequest request;
    request.method = method;
    request.url = url_ + path;
    request.body = body;
    const jobrun::HttpReply reply = client_.perform(request);
    if (reply.status / 100 != 2) std::abort();
    auto json = jobrun::Json::parse(reply.body);
    return json ? std::move(*json) : jobrun::Json();
  }
  void fault(const std::string& json) { admin("POST", "/admin/faults", json); }
  void webhook_fault(const std::string& json) { admin("POST", "/admin/webhook-faults", json); }
  void night(const std::string& date) {
    admin("POST", "/admin/night", R"({"per_account": 4, "date": ")" + date + "\"}");
  }
  void clear_faults() {
    admin("DELETE", "/admin/faults");
    admin("DELETE", "/admin/webhook-faults");
  }
  jobrun::Json report() { return admin("GET", "/admin/report"); }

 private:
  pid_t pid_ = -1;
  std::string url_;
  jobrun::HttpClient client_;
};

}  // namespace jobrun_test
