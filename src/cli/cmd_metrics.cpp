// jobrun metrics: figures of all jobs for Prometheus, on standard output or in a textfile collector's folder.
#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/metrics_view.hpp"
#include "cli/screen.hpp"

namespace jobrun {

Result<Exit> cmd_metrics(const Session& session) {
  const std::string file = session.args.value("--textfile");
  if (session.args.has("--textfile") && !file.ends_with(".prom"))
    return usage_error("--textfile: the collector reads only files whose names end in .prom",
                       "write --textfile " + (file.empty() ? std::string("jobrun") : file) + ".prom");
  if (!exists(session.places.jobs))
    return Error(Fault::setup, "there is no jobs directory " + session.places.jobs,
                 "make it, or name one with --jobs or JOBRUN_JOBS");
  const std::string place = path_absolute(file);
  if (!file.empty() && !exists(path_folder(place)))
    return Error(Fault::setup, "there is no folder " + path_folder(place), "make it, for jobrun to write in");
  if (auto free = check_replaceable(place); !file.empty() && !free) return free.error().during("metrics");
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  std::string text;
  auto gathered = (*opened)->read([&]() -> Result<void> {  // one moment, whatever runs meanwhile
    auto figures = metrics_text(**opened, session.places.jobs, session.clock.wall());
    if (!figures) return figures.error();
    text = std::move(*figures);
    return {};
  });
  if (!gathered) return gathered.error();
  if (file.empty()) {
    print_out(text);
    return Exit::done;
  }
  // Its reader is another user, whatever umask a timer gave us; a reader sees the old file or the new one.
  if (auto written = write_file(place, text, 0644); !written) return written.error().during("metrics");
  return Exit::done;
}

}  // namespace jobrun
