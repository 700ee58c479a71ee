// The manifest's parser: it answers for any bytes, and its faults are plain text, one on a line.
#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "contract/manifest.hpp"
#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jobrun;
  using jobrun_fuzz::must;
  const std::string_view text = jobrun_fuzz::text(data, size);
  const auto manifest = parse_manifest("job", "/etc/jobrun/jobs/job.json", text);
  if (!manifest) {
    for (const std::string_view line : split(manifest.error().what(), '\n')) {
      must(is_plain_text(line), "a fault is plain text");
      must(line.starts_with("/etc/jobrun/jobs/job.json"), "a fault names the file");
    }
    return 0;
  }
  must(manifest->text == text, "the text is kept as it was read");
  must(manifest->parallel >= 1 && manifest->parallel <= 256, "parallel is within its bounds");
  must(manifest->retry.first_delay <= manifest->retry.max_delay, "the first delay is not the longest");
  for (const auto& unit : manifest->units.list)
    must(static_cast<bool>(check_unit_id(unit.id)), "units have good ids");
  return 0;
}
