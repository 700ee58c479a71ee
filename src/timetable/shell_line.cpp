#include "timetable/shell_line.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace jobrun {

namespace {

bool is_assignment(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0 || is_digit(word[0])) return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<ShellCommand> read() {
    while (at_ < text_.size()) step();
    end_word();
    end_command("");
    return std::move(commands_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void step() {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\r') {
      end_word();
      ++at_;
    } else if (c == '#' && !in_word_) {
      while (at_ < text_.size() && peek() != '\n') ++at_;
    } else if (c == '\n' || c == ';' || c == '|' || c == '(' || c == ')' || (c == '&' && peek(1) != '>')) {
      join();
    } else if (c == '<' || c == '>' || c == '&') {
      redirect();
    } else {
      read_char();
    }
  }

  void join() {
    end_word();
    std::string by(1, text_[at_++]);
    if ((by == "&" || by == "|" || by == ";") && peek() == by[0]) by += text_[at_++];
    if (by == "\n" || by == ")" || by == ";;") by = ";";
    end_command(by);
  }

  void redirect() {
    const bool numbered = in_word_ && word_.find_first_not_of("0123456789") == std::string::npos;
    std::string redirection = numbered ? word_ : "";
    if (numbered) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    while (peek() == '<' || peek() == '>' || peek() == '&' || peek() == '|') redirection += text_[at_++];
    while (peek() == ' ' || peek() == '\t') ++at_;
    redirection_ = std::move(redirection);
  }

  void read_char() {
    in_word_ = true;
    switch (peek()) {
      case '\\':
        ++at_;
        if (at_ < text_.size()) word_ += text_[at_++];
        return;
      case '\'':
        for (++at_; at_ < text_.size() && peek() != '\''; ++at_) word_ += peek();
        ++at_;
        return;
      case '"':
        quoted();
        return;
      case '$':
      case '`':
        expansion();
        return;
      default:
        if (one_of(std::string_view(&text_[at_], 1), {"*", "?", "["}) || (peek() == '~' && word_.empty()))
          command_.expands = true;
        word_ += text_[at_++];
    }
  }

  void quoted() {
    for (++at_; at_ < text_.size() && peek() != '"';) {
      if (peek() == '\\' && at_ + 1 < text_.size() &&
          one_of(text_.substr(at_ + 1, 1), {"\"", "\\", "$", "`"})) {
        word_ += text_[at_ + 1];
        at_ += 2;
      } else if (peek() == '$' || peek() == '`') {
        expansion();
      } else {
        word_ += text_[at_++];
      }
    }
    ++at_;
  }

  /// $(...), ${...}, `...`: as they stand, with what is inside.
  void expansion() {
    command_.expands = true;
    const char opens = peek();
    const char next = peek(1);
    word_ += text_[at_++];
    if (opens == '`') {
      while (at_ < text_.size() && peek() != '`') word_ += text_[at_++];
      if (at_ < text_.size()) word_ += text_[at_++];
      return;
    }
    if (next != '(' && next != '{') return;
    const char closes = next == '(' ? ')' : '}';
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      word_ += c;
      if (c == next) ++depth;
      if (c == closes && --depth == 0) return;
    }
  }

  void end_word() {
    if (!in_word_) return;
    in_word_ = false;
    std::string word = std::move(word_);
    word_.clear();
    if (!redirection_.empty()) {
      command_.redirected.push_back(std::move(redirection_) + word);
      redirection_.clear();
      return;
    }
    if (command_.words.empty()) {
      if (one_of(word, {"for", "while", "until"})) ++loops_;
      if (word == "done" && loops_ > 0) --loops_;
      if (one_of(word, {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "time"})) return;
      if (is_assignment(word)) {
        command_.assigned.push_back(std::move(word));
        return;
      }
    }
    command_.words.push_back(std::move(word));
  }

  void end_command(std::string_view by) {
    command_.looped = loops_ > 0;
    command_.before = before_;
    const bool empty = command_.words.empty() && command_.assigned.empty() && command_.redirected.empty();
    if (!empty) {
      commands_.push_back(std::move(command_));
      before_ = by;
    }
    if (by == "(") before_ = by;
    command_ = {};
    redirection_.clear();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string word_, redirection_, before_;
  bool in_word_ = false;
  int loops_ = 0;
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

}  // namespace

std::vector<ShellCommand> parse_shell_line(std::string_view text) {
  return Reader(text).read();
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return is_letter(c) || is_digit(c) ||
             std::string_view("_-+=./:,@%${}").find(c) != std::string_view::npos;
    });
    line += line.empty() ? "" : " ";
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace jobrun
