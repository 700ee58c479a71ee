#include "jobs/registry.hpp"

#include <array>

namespace jobrun {

// One declaration and one entry per job, both in the order of the alphabet.
Verdict invoice_sync(JobContext& context);

namespace {

constexpr std::array entries = {
    NativeJobEntry{"invoice_sync", invoice_sync},
};

}  // namespace

const NativeJobEntry* find_native_job(std::string_view name) {
  for (const NativeJobEntry& entry : entries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::vector<std::string> native_job_names() {
  std::vector<std::string> names;
  for (const NativeJobEntry& entry : entries) names.emplace_back(entry.name);
  return names;
}

}  // namespace jobrun
