// What may stand where the cursor is: jobrun's side of the shells' completions.
// The words come from the table of verbs and options, the names from the ledger and the jobs directory. Asked
// at every press of a key: opens the ledger to look only, answers little, and never fails or speaks of a
// fault.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run/world.hpp"

namespace jobrun {

/// The hidden verb that the scripts of `jobrun completion` call.
constexpr std::string_view complete_verb = "__complete";

struct Offer {
  struct Word {
    std::string word, about;
  };
  std::vector<Word> words;
  bool files = false;  ///< names of files too
};

/// `line`: the words behind `jobrun`, the last one as far as it is typed, empty where nothing is yet.
Offer offer_for(const std::vector<std::string>& line, const Environment& environment);
/// Prints an offer, a line for each word with its help behind a tab, ":files" for names of files; answers 0.
int complete(const std::vector<std::string>& line, const Environment& environment);

}  // namespace jobrun
