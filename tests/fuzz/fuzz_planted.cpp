// The control: a parser with an overflow. A fuzzer that does not find it finds nothing.
#include <vector>

#include "contract/channel.hpp"
#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::int64_t id = 0;
  const auto request = jobrun::parse_request(jobrun_fuzz::text(data, size), id);
  if (!request || request->op != jobrun::ChannelOp::checkpoint) return 0;
  const std::vector<char> copy(request->cursor.begin(), request->cursor.end());
  std::size_t end = copy.size();
  if (copy.size() > 12) ++end;
  int sum = 0;
  for (std::size_t i = 0; i < end; ++i) sum += copy.data()[i];
  jobrun_fuzz::must(sum < 1'000'000'000, "reads beyond its end where it is longer than 12 bytes");
  return 0;
}
