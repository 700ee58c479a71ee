// jobrun prune: forgets what is old, and tells what went.
#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"
#include "run/places.hpp"
#include "run/prune.hpp"

namespace jobrun {

namespace {

Result<void> read_age(const Args& args, const char* option, Span& age) {
  if (!args.has(option)) return {};
  auto span = parse_duration(args.value(option));
  if (!span) return span.error().during(option);
  if (*span < Config::shortest_age)
    return usage_error(fmt::format("{} {} is too short", option, printable(args.value(option))),
                       "24h at least: a run that is forgotten is done again when it is asked for");
  age = *span;
  return {};
}

std::string text_of(const PruneReport& report, bool dry_run) {
  std::vector<std::vector<std::string>> rows = {{"TABLE", dry_run ? "WOULD GO" : "GONE"}};
  for (const auto& [name, count] : report.rows.tables)
    if (count > 0) rows.push_back({std::string(name), std::to_string(count)});
  if (report.output_files > 0) rows.push_back({"output files", std::to_string(report.output_files)});
  const std::string limits =
      fmt::format("attempts from before {}, keys from before {}",
                  format_instant_short(report.attempts_before), format_instant_short(report.keys_before));
  std::string text = rows.size() == 1 ? "nothing is old enough: " + limits + "\n"
                                      : table(rows, screen_width()) + limits + "\n";
  if (!report.raised.empty()) text += report.raised + "\n";
  return text;
}

Json json_of(const PruneReport& report, bool dry_run) {
  Json counts = Json::object();
  for (const auto& [name, count] : report.rows.tables) counts.set(std::string(name), count);
  return Json::object()
      .set("schema_version", 1)
      .set("dry_run", dry_run)
      .set("attempts_before", format_instant(report.attempts_before))
      .set("keys_before", format_instant(report.keys_before))
      .set("rows", std::move(counts))
      .set("output_files", report.output_files);
}

}  // namespace

Result<Exit> cmd_prune(const Session& session) {
  PruneRequest request;
  request.dry_run = session.args.has("--dry-run");
  auto config =
      session.places.config ? Result<Config>(*session.places.config) : load_config(session.environment);
  if (!config) return config.error();
  request.attempts = config->keep_attempts.value_or(request.attempts);
  request.keys = config->keep_keys.value_or(request.keys);
  if (auto read = read_age(session.args, "--attempts", request.attempts); !read) return read.error();
  if (auto read = read_age(session.args, "--keys", request.keys); !read) return read.error();
  auto ledger = session.open(request.dry_run ? Ledger::Purpose::look : Ledger::Purpose::run);
  if (!ledger) return ledger.error();
  auto report = prune(**ledger, request, session.clock);
  if (!report) return report.error();
  if (session.json())
    print_out(json_of(*report, request.dry_run).dump() + "\n");
  else if (!session.quiet())
    print_out(text_of(*report, request.dry_run));
  return Exit::done;
}

}  // namespace jobrun
