// What files of GitLab CI, Kubernetes and GitHub Actions start: CronJobs, jobs of pipelines, workflows with a
// schedule. Promises nothing for other YAML; reads no file, follows no include.
#pragma once

#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "timetable/scheduled.hpp"

namespace jobrun {

/// Adds to an inventory what the documents of one file start, and what is wrong with their times.
void read_scheduled_yaml(const std::vector<YamlNode>& documents, const std::string& file, Inventory& found);

}  // namespace jobrun
