// The channel's parser: a request that is accepted is written and read again as the same one.
#include "contract/channel.hpp"
#include "contract/envelope.hpp"
#include "fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jobrun;
  using jobrun_fuzz::must;
  std::int64_t id = 0;
  const auto request = parse_request(jobrun_fuzz::text(data, size), id);
  if (!request) {
    must(is_plain_text(parse_reply(error_reply(id, "bad_request", request.error().what())).error().what()),
         "a refusal is one line of plain text");
    return 0;
  }
  const std::string line = encode(*request);
  must(line.find('\n') == line.size() - 1, "a request is one line");
  std::int64_t again_id = 0;
  const auto again = parse_request(std::string_view(line).substr(0, line.size() - 1), again_id);
  must(static_cast<bool>(again), "what was accepted is accepted again");
  must(encode(*again) == line, "what is written is read as the same");
  return 0;
}
