// jobrun: one run of one job for one date. Hands the real world to cli/, or becomes a worker.
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/screen.hpp"
#include "handler/worker.hpp"

// The linker's words for where the program begins and where its code ends.
extern "C" const char __executable_start[], etext[];

namespace {

/// The shortest call touches some forty places of the code; to map it in one go costs a fifth of as many page
/// faults. Linux 5.14 and newer, madvise(2); an older kernel refuses, and nothing is lost.
void map_the_program() {
#ifdef MADV_POPULATE_READ
  void* begin = const_cast<char*>(__executable_start);
  (void)::madvise(begin, static_cast<std::size_t>(etext - __executable_start), MADV_POPULATE_READ);
#endif
}

/// A caller that closed 0, 1 or 2 must not have the ledger opened there and a message written into it.
void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

jobrun::Environment environment_of(char** entries) {
  jobrun::Environment environment;
  for (; *entries != nullptr; ++entries) {
    const char* equals = std::strchr(*entries, '=');
    if (equals != nullptr)
      environment.emplace_back(std::string(*entries, static_cast<std::size_t>(equals - *entries)),
                               equals + 1);
  }
  return environment;
}

}  // namespace

int main(int argc, char** argv) {
  map_the_program();
  fill_standard_descriptors();
  if (::getauxval(AT_SECURE) != 0) {
    jobrun::print_err("jobrun: refuses to run set-user-ID or with file capabilities\n");
    return static_cast<int>(jobrun::Exit::setup);
  }
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  try {
    if (words.size() == 2 && words[0] == jobrun::worker_role) return jobrun::run_worker(words[1]);
    // The answer is durable by now: skip what destructors and atexit would only tidy in memory.
    ::_exit(jobrun::run_commands(words, environment_of(environ)));
  } catch (const std::exception& error) {
    jobrun::print_err(std::string("jobrun: internal error: ") + error.what() + "\n");
    return static_cast<int>(jobrun::Exit::internal);
  }
}
