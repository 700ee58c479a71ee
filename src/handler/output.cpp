#include "handler/output.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr std::string_view mask = "[masked]";
constexpr std::size_t shortest_masked = 4;  // shorter ones would blank out ordinary text

}  // namespace

std::vector<std::string> forms_of_secret(std::string_view secret) {
  if (secret.size() < shortest_masked) return {};
  std::vector<std::string> forms = {std::string(secret), base64_encode(secret)};
  // Inside of a longer text the secret begins at one of three places of a base64 group; what its own bytes
  // alone decide is looked for.
  for (std::size_t before = 0; before < 3; ++before) {
    const std::string encoded = base64_encode(std::string(before, ' ') + std::string(secret));
    const std::size_t first = (before * 8 + 5) / 6, last = (before + secret.size()) * 8 / 6;
    if (last - first >= shortest_masked) forms.push_back(encoded.substr(first, last - first));
  }
  std::string percent;
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      percent += c;
    } else {
      percent.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
  forms.push_back(percent);
  const std::string quoted = Json(secret).dump();
  forms.push_back(quoted.substr(1, quoted.size() - 2));
  std::sort(forms.begin(), forms.end(), [](const auto& a, const auto& b) {
    return a.size() > b.size() || (a.size() == b.size() && a < b);
  });
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  return forms;
}

std::string masked(std::string text, const std::vector<std::string>& forms) {
  for (const auto& form : forms) {
    for (auto at = text.find(form); at != std::string::npos; at = text.find(form, at + mask.size()))
      text.replace(at, form.size(), mask);
  }
  return text;
}

namespace {

/// Readable by whatever opens the ledger: SQLite's shell and many clients end a text at a NUL.
std::string storable(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) byte == '\0' ? text.append("\xEF\xBF\xBD") : text.append(1, byte);
  return to_utf8(text);
}

}  // namespace

Output::Output(std::size_t limit, std::vector<std::string> secrets, OutputFile file)
    : head_limit_(limit / 2),
      tail_limit_(limit - limit / 2),
      secrets_(std::move(secrets)),
      file_(std::move(file)) {
  std::stable_sort(secrets_.begin(), secrets_.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const auto& secret : secrets_) begins_secret_[static_cast<unsigned char>(secret.front())] = true;
}

/// From the left, the longest secret first. Nothing is held back but what may be the beginning of one, so
/// that a line can be followed as soon as it is written.
void Output::add(std::string_view bytes) {
  total_ += static_cast<std::int64_t>(bytes.size());
  if (secrets_.empty()) return keep(bytes);
  held_.append(bytes);
  std::string clear;
  std::size_t from = 0, at = 0;
  while (at < held_.size()) {
    if (!begins_secret_[static_cast<unsigned char>(held_[at])]) {
      ++at;
      continue;
    }
    const std::string_view rest = std::string_view(held_).substr(at);
    if (std::any_of(secrets_.begin(), secrets_.end(),
                    [&](const auto& one) { return one.size() > rest.size() && one.starts_with(rest); }))
      break;
    const auto secret = std::find_if(secrets_.begin(), secrets_.end(),
                                     [&](const auto& one) { return rest.starts_with(one); });
    if (secret == secrets_.end()) {
      ++at;
      continue;
    }
    clear.append(held_, from, at - from).append(mask);
    from = at += secret->size();
  }
  clear.append(held_, from, at - from);
  held_.erase(0, at);
  keep(clear);
}

void Output::finish() {
  keep(masked(std::move(held_), secrets_));
  held_.clear();
  file_.finish(tail_);
}

void Output::drop_needless_file() {
  if (cut() == 0 && head() == head_ && tail() == tail_) file_.remove();
}

void Output::keep(std::string_view bytes) {
  kept_total_ += static_cast<std::int64_t>(bytes.size());
  file_.add(bytes);
  const std::size_t to_head = std::min(bytes.size(), head_limit_ - head_.size());
  head_.append(bytes.substr(0, to_head));
  bytes.remove_prefix(to_head);
  if (bytes.empty()) return;
  if (bytes.size() >= tail_limit_) {
    tail_.assign(bytes.substr(bytes.size() - tail_limit_));
    return;
  }
  if (tail_.size() + bytes.size() > tail_limit_) tail_.erase(0, tail_.size() + bytes.size() - tail_limit_);
  tail_.append(bytes);
}

std::string Output::head() const {
  return storable(head_);
}
std::string Output::tail() const {
  return storable(tail_);
}

std::vector<std::string> Output::last_lines(std::size_t lines) const {
  const std::string text = cut() > 0 ? tail_ : head_ + tail_;
  std::vector<std::string> all;
  for (const std::string_view line : split(trim(text), '\n')) all.push_back(printable(trim(line)));
  if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(lines));
  if (all.size() == 1 && all[0].empty()) all.clear();
  return all;
}

}  // namespace jobrun
