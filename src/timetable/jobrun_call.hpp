// A call of jobrun that stands in somebody else's configuration: found in a shell line or in the words of a
// command, and what it asks for. Promises to find the usual forms (behind `env`, `flock`, `sh -c`, in loops);
// does not check the call, and runs nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobrun {

struct JobrunCall {
  std::string program;  ///< "jobrun", "/usr/local/bin/jobrun"
  std::string verb;     ///< "run", "tick", ...
  std::string job;      ///< of `run` and the verbs that take one; empty: none is named
  bool has_run_date = false;
  std::string run_date;  ///< as written: "today", "daily@02:00", "$(date +%F)"
  std::string tz;
  std::string jobs;  ///< --jobs
  std::vector<std::string> units;
  bool waits = false;  ///< --wait
  bool only_retry = false;
  bool looped = false;  ///< a shell loop calls it again
};

std::vector<JobrunCall> jobrun_calls(std::string_view shell_line);
/// The same in the words of a command that no shell reads.
std::vector<JobrunCall> jobrun_calls(const std::vector<std::string>& words);

}  // namespace jobrun
