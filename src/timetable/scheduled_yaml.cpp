#include "timetable/scheduled_yaml.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/then.hpp"
#include "timetable/shell_line.hpp"

namespace jobrun {

namespace {

constexpr int longest_extends = 10;

std::vector<std::string> texts_of(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::scalar) return {node.text};
  std::vector<std::string> texts;
  if (!node.is_list()) return texts;
  for (const auto& item : node.items)
    for (auto& text : texts_of(item)) texts.push_back(std::move(text));
  return texts;
}

bool is_temporary(const std::string& code) {
  const std::string again = codes_for(Then::again, " ");
  const auto all = split(again, ' ');
  return std::find(all.begin(), all.end(), code) != all.end();
}

void read_when(const YamlNode& node, const std::string& file, Scheduled& entry, Inventory& found) {
  entry.where = {file, node.line};
  std::string_view when = trim(node.text);
  for (const std::string_view lead : {"CRON_TZ=", "TZ="})
    if (when.starts_with(lead)) {
      const auto blank = std::min(when.find(' '), when.size());
      entry.zone = when.substr(lead.size(), blank - lead.size());
      when = trim(when.substr(blank));
    }
  entry.when = when;
  if (when.starts_with("@every ")) {
    if (const auto span = parse_duration(trim(when.substr(7))); span) entry.interval = *span;
    return;
  }
  if (auto times = parse_cron_time(when); times)
    entry.times = {*times};
  else
    found.faults.push_back({"bad_line", entry.where, "this is no time of cron: " + times.error().what(),
                            "nothing is started by it", "mend it; `man 5 crontab` has the form",
                            ScheduleFault::Weight::mend});
}

// --- Kubernetes

void read_pod(const YamlNode& pod, Scheduled& entry) {
  for (const auto& container : pod.at("containers").items) {
    auto words = texts_of(container.at("command"));
    const std::string& image = container.at("image").text;
    const std::string_view name = path_name(image);
    if (words.empty() && name.starts_with("jobrun"))
      words.emplace_back("jobrun");  // the image's own entry point
    for (auto& word : texts_of(container.at("args"))) words.push_back(std::move(word));
    (entry.command += entry.command.empty() ? "" : " ; ") += words.empty() ? image : shell_line(words);
    for (auto& call : jobrun_calls(words)) entry.calls.push_back(std::move(call));
  }
}

/// Code by code only with a policy that fails the job on all that no retry helps.
void read_backoff(const YamlNode& job, Scheduled& entry) {
  const std::string policy = job.at("template").at("spec").at("restartPolicy").text;
  const std::string limit = job.at("backoffLimit").text;
  if (policy == "OnFailure") {
    entry.retried_by = "restartPolicy: OnFailure";
    return;
  }
  if (limit == "0") return;
  entry.retried_by = "backoffLimit: " + (limit.empty() ? "6" : limit);
  for (const auto& rule : job.at("podFailurePolicy").at("rules").items) {
    const YamlNode& codes = rule.at("onExitCodes");
    const std::string& action = rule.at("action").text;
    if ((action == "FailJob" || action == "FailIndex") && codes.is_there()) entry.retried_by_code = true;
  }
}

void read_cron_job(const YamlNode& object, const std::string& file, Inventory& found) {
  const YamlNode& spec = object.at("spec");
  const YamlNode& job = spec.at("jobTemplate").at("spec");
  Scheduled entry;
  entry.scheduler = "kubernetes";
  entry.name = object.at("metadata").at("name").text;
  read_when(spec.at("schedule"), file, entry, found);
  if (const std::string& zone = spec.at("timeZone").text; !zone.empty()) entry.zone = zone;
  if (entry.zone == "Etc/UTC") entry.zone = "UTC";
  entry.active = spec.at("suspend").text != "true";
  read_pod(job.at("template").at("spec"), entry);
  read_backoff(job, entry);
  found.entries.push_back(std::move(entry));
}

// --- GitLab

/// A job's own, or that of what it extends, the nearest first.
const YamlNode& keyword(const YamlNode& pipeline, const YamlNode& job, std::string_view name, int depth = 0) {
  const YamlNode& own = job.at(name);
  if (own.is_there() || depth > longest_extends) return own;
  auto parents = texts_of(job.at("extends"));
  for (auto parent = parents.rbegin(); parent != parents.rend(); ++parent)
    if (const YamlNode& inherited = keyword(pipeline, pipeline.at(*parent), name, depth + 1);
        inherited.is_there())
      return inherited;
  return own;
}

bool speaks_of_schedules(const YamlNode& node) {
  if (node.text.find("schedule") != std::string::npos) return true;
  return std::any_of(node.items.begin(), node.items.end(), speaks_of_schedules);
}

void read_gitlab_retry(const YamlNode& retry, Scheduled& entry) {
  const std::string max = retry.is_map() ? retry.at("max").text : retry.text;
  if (!retry.is_there() || max == "0") return;
  entry.retried_by = "retry: " + (max.empty() ? "2" : max);
  const auto codes = texts_of(retry.at("exit_codes"));
  const auto reasons = texts_of(retry.at("when"));
  entry.retried_by_code = !codes.empty() && std::all_of(codes.begin(), codes.end(), is_temporary) &&
                          std::none_of(reasons.begin(), reasons.end(), [](const std::string& reason) {
                            return reason == "always" || reason == "script_failure";
                          });
}

void read_gitlab(const YamlNode& pipeline, const std::string& file, Inventory& found) {
  for (std::size_t i = 0; i < pipeline.keys.size(); ++i) {
    const std::string& name = pipeline.keys[i];
    const YamlNode& job = pipeline.items[i];
    if (!job.is_map() || name.starts_with('.') || name == "default") continue;
    const YamlNode& script = keyword(pipeline, job, "script");
    if (!script.is_there()) continue;
    Scheduled entry;
    entry.scheduler = "gitlab";
    entry.name = name;
    entry.where = {file, job.line > 1 ? job.line - 1 : job.line};
    const bool scheduled = speaks_of_schedules(keyword(pipeline, job, "rules")) ||
                           speaks_of_schedules(keyword(pipeline, job, "only"));
    entry.when = scheduled ? "a pipeline schedule" : "any pipeline";
    const auto lines = texts_of(script);
    entry.command = join(lines, " ; ");
    entry.calls = jobrun_calls(join(lines, "\n"));
    if (!scheduled && entry.calls.empty()) continue;
    const YamlNode& retry = keyword(pipeline, job, "retry");
    read_gitlab_retry(retry.is_there() ? retry : pipeline.at("default").at("retry"), entry);
    found.entries.push_back(std::move(entry));
  }
}

// --- GitHub Actions

void read_github(const YamlNode& workflow, const YamlNode& on, const std::string& file, Inventory& found) {
  const YamlNode& jobs = workflow.at("jobs");
  for (const auto& when : on.at("schedule").items)
    for (std::size_t i = 0; i < jobs.keys.size(); ++i) {
      Scheduled entry;
      entry.scheduler = "github";
      entry.name = jobs.keys[i];
      entry.zone = when.at("timezone").is_there() ? when.at("timezone").text : "UTC";
      read_when(when.at("cron"), file, entry, found);
      std::vector<std::string> lines;
      for (const auto& step : jobs.items[i].at("steps").items)
        if (step.at("run").is_there()) lines.push_back(step.at("run").text);
      entry.command = join(lines, " ; ");
      entry.calls = jobrun_calls(join(lines, "\n"));
      found.entries.push_back(std::move(entry));
    }
}

}  // namespace

void read_scheduled_yaml(const std::vector<YamlNode>& documents, const std::string& file, Inventory& found) {
  for (const auto& document : documents) {
    const YamlNode& on = document.at("on");
    if (document.at("kind").text == "List")
      read_scheduled_yaml(document.at("items").items, file, found);
    else if (document.at("kind").text == "CronJob")
      read_cron_job(document, file, found);
    else if (on.at("schedule").is_there() && document.at("jobs").is_map())
      read_github(document, on, file, found);
    else if (!document.at("apiVersion").is_there() && document.is_map())
      read_gitlab(document, file, found);
  }
  for (auto& entry : found.entries)
    for (const auto& call : entry.calls)
      if (call.looped && entry.retried_by.empty()) entry.retried_by = "a loop in the shell";
}

}  // namespace jobrun
