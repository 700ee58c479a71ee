// What a child wrote, kept within a limit: the head, the tail, and the count of what was dropped between
// them. Secrets are masked as they stream by, also where a read cut them in two. Never interprets what was
// written.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "handler/output_file.hpp"

namespace jobrun {

class Output {
 public:
  /// `limit` bytes are kept, half of them for the head; `secrets` of less than 4 bytes are not masked.
  /// `file` takes all of it, as far as that goes.
  Output(std::size_t limit, std::vector<std::string> secrets, OutputFile file = {});

  void add(std::string_view bytes);
  /// Everything has come: lets go of what was held back for masking.
  void finish();
  /// Head and tail are in the ledger: where they are the whole of it, word for word, the file has no more to
  /// say and goes.
  void drop_needless_file();

  // Valid UTF-8, safe to store.
  std::string head() const;
  std::string tail() const;
  std::int64_t total() const { return total_; }
  std::int64_t cut() const { return kept_total_ - static_cast<std::int64_t>(head_.size() + tail_.size()); }
  /// The last lines that a person should see, at most `lines`.
  std::vector<std::string> last_lines(std::size_t lines) const;

 private:
  void keep(std::string_view bytes);

  std::size_t head_limit_, tail_limit_;
  std::vector<std::string> secrets_;
  std::array<bool, 256> begins_secret_{};
  std::string held_;  // may be the beginning of a secret
  OutputFile file_;
  std::string head_, tail_;
  std::int64_t total_ = 0, kept_total_ = 0;
};

/// `text` with every occurrence of one of `forms` masked.
std::string masked(std::string text, const std::vector<std::string>& forms);

/// The forms in which a secret may show, longest first: as it is, base64 (also inside of a longer text),
/// percent-encoded, JSON-escaped.
std::vector<std::string> forms_of_secret(std::string_view secret);

}  // namespace jobrun
