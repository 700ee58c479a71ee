// The file that takes what one attempt writes, as it comes, so that it can be followed and read whole.
// Made at the first byte (0600, its folders 0700), bounded, never synced, and open only while it is written
// to: a thousand units cost no descriptors. Whatever goes wrong with it takes the file away and nothing else:
// head and tail stay in the ledger. Knows no attempt; masks nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobrun {

class OutputFile {
 public:
  /// None: takes nothing.
  OutputFile() = default;
  /// `path` is LEDGER.output/N/ID; what an older ledger left there is removed. 0: none.
  OutputFile(std::string path, std::size_t limit);

  void add(std::string_view bytes);
  /// Everything has come; where the limit was passed the count of what is left out follows, and the end as
  /// far as `tail` has it.
  void finish(std::string_view tail);
  void remove();

 private:
  void append(std::string_view bytes);

  std::string path_;
  std::size_t limit_ = 0;
  std::size_t kept_ = 0;
  std::uint64_t beyond_ = 0;
  bool made_ = false;
};

}  // namespace jobrun
