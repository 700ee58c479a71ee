#include "run/preflight_ground.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "handler/stop_signals.hpp"

namespace jobrun {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t log_limit = 16 * 1024 * 1024;

}  // namespace

PreflightGround::PreflightGround(const PreflightRequest& request, const Environment& environment)
    : request_(request), environment_(environment) {}

PreflightGround::~PreflightGround() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<void> PreflightGround::open(Ledger& ledger) {
  const std::string temporary = value_of(environment_, "TMPDIR");
  folder_ = path_join(temporary.starts_with('/') ? temporary : "/tmp", "jobrun-preflight-XXXXXX");
  if (::mkdtemp(folder_.data()) == nullptr) {
    const int problem = errno;
    return system_error(Fault::ledger, "make the folder " + std::exchange(folder_, ""), problem);
  }
  return ledger.copy_to(path("first.db"));
}

Result<void> PreflightGround::reset() {
  std::error_code bad;
  for (const char* name : {"state", "scratch", "state/ledger.db.run"}) {
    fs::remove_all(path(name), bad);
    if (!fs::create_directory(path(name), bad))
      return Error(Fault::ledger, "make " + path(name) + ": " + bad.message());
    ::chmod(path(name).c_str(), 0700);
  }
  if (!fs::copy_file(path("first.db"), ledger(), bad))
    return Error(Fault::ledger, "copy the ledger: " + bad.message());
  if (request_.reset.empty()) return {};
  auto done = shell(request_.reset);
  if (!done) return done.error();
  if (done->end.exit_code != 0)
    return usage_error("--reset: the command failed: " + printable(clip(done->output, 300)));
  return {};
}

Result<ActEnd> PreflightGround::call(const std::vector<std::string>& words, int ends_at) {
  std::error_code ignored;
  fs::remove(path("log"), ignored);
  std::vector<std::string> argv = {
      "/bin/sh", "-c", "exec \"$0\" \"$@\" 2>>\"$JOBRUN_PREFLIGHT_LOG\" </dev/null", request_.program};
  argv.insert(argv.end(), words.begin(), words.end());
  for (const auto& [option, value] :
       {std::pair<const char*, std::string>{"--ledger", ledger()}, {"--jobs", request_.places.jobs}}) {
    argv.emplace_back(option);
    argv.push_back(value);
  }
  if (!request_.now.empty()) argv.insert(argv.end(), {"--now", request_.now});
  return run(std::move(argv), ends_at);
}

Result<ActEnd> PreflightGround::shell(const std::string& line) {
  return run({"/bin/sh", "-c", line + "\n"}, 0);
}

std::string PreflightGround::logged(std::string_view beginning) const {
  auto text = read_file(path("log"), log_limit);
  std::string found;
  if (text)
    for (const std::string_view line : split(*text, '\n'))
      if (line.starts_with(beginning)) found = line.substr(beginning.size());
  return found;
}

Result<ActEnd> PreflightGround::run(std::vector<std::string> argv, int ends_at) {
  ActSpec spec;
  spec.argv = std::move(argv);
  spec.environment = environment_;
  const auto set = [&](std::string name, std::string value) {
    std::erase_if(spec.environment, [&](const auto& one) { return one.first == name; });
    spec.environment.emplace_back(std::move(name), std::move(value));
  };
  set("JOBRUN_PREFLIGHT", "1");
  set("JOBRUN_SCRATCH", path("scratch"));
  set("JOBRUN_PREFLIGHT_LOG", path("log"));
  set("JOBRUN_PREFLIGHT_END", std::to_string(ends_at));
  auto ended = act(spec);
  if (ended && ended->stop_asked) return asked_to_stop();
  return ended;
}

}  // namespace jobrun
