#include "cli/adopt_view.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/emit.hpp"

namespace jobrun {

namespace {

constexpr std::string_view drop_in = R"text([Service]
ExecStart=
ExecStart=jobrun @job@ --run-date @run_date@
SuccessExitStatus=@left_alone_codes@
Restart=on-failure
RestartSec=1min
RestartPreventExitStatus=@person_codes@
)text";

std::string service_name(const Scheduled& entry) {
  return entry.name.substr(0, entry.name.rfind('.')) + ".service";
}

/// Each line made safe for a terminal.
std::string safe_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto line : split(text, '\n')) lines.push_back(printable(line));
  return join(lines, "\n");
}

/// Where the new line belongs, for a person.
std::string place_of(const Scheduled& entry) {
  if (entry.scheduler == "systemd")
    return fmt::format("{}.d/jobrun.conf, beside {}; then `systemctl daemon-reload`", service_name(entry),
                       entry.name);
  return "in place of " + entry.where.text();
}

}  // namespace

std::string new_line(const Scheduled& entry, const Adoption& adoption) {
  if (entry.scheduler == "systemd") {
    Words words = words_of_codes();
    words.emplace_back("job", adoption.job);
    words.emplace_back("run_date", adoption.run_date);
    return filled(drop_in, words);
  }
  const bool system =
      entry.where.file.find("/cron.d/") != std::string::npos || entry.where.file.ends_with("/etc/crontab");
  return fmt::format("{}  {}jobrun {} --run-date {} --quiet\n", entry.when, system ? entry.user + "  " : "",
                     adoption.job, adoption.run_date);
}

std::string adoption_text(const Scheduled& entry, const Adoption& adoption, const std::string& written) {
  std::string text =
      written.empty() ? fmt::format("# {}.json, in the jobs directory\n{}", adoption.job, adoption.manifest)
                      : fmt::format("# {} is written\n", written);
  text += fmt::format("\n# the new line, {}\n{}\n# to decide\n", place_of(entry), new_line(entry, adoption));
  for (const auto& sentence : adoption.decide) text += fmt::format("# - {}\n", sentence);
  return safe_lines(text);
}

Json adoption_json(const Scheduled& entry, const Adoption& adoption, const std::string& written) {
  Json decide = Json::array();
  for (const auto& sentence : adoption.decide) decide.push(sentence);
  return Json::object()
      .set("schema_version", 1)
      .set("job", adoption.job)
      .set("adopted", Json::object().set("file", entry.where.file).set("line", entry.where.line))
      .set("manifest", adoption.manifest)
      .set("written", written.empty() ? Json() : Json(written))
      .set("schedule", new_line(entry, adoption))
      .set("place", place_of(entry))
      .set("decide", std::move(decide));
}

}  // namespace jobrun
