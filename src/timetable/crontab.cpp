#include "timetable/crontab.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr std::string_view blanks = " \t";
constexpr std::size_t most_variables = 100;

std::string_view skip_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find_first_of(blanks), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = skip_blanks(rest.substr(end));
  return word;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted =
      text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// NAME = VALUE; a line of fields has no = so early.
std::optional<std::pair<std::string, std::string>> variable_in(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = unquoted(trim(line.substr(0, equals)));
  const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_';
  });
  if (!good) return std::nullopt;
  return std::pair(std::string(name), std::string(unquoted(trim(line.substr(equals + 1)))));
}

/// cron ends the command at the first % without a backslash; the rest is its standard input.
void read_command(std::string_view text, CrontabLine& line) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '%') continue;
    if (text[i] == '%' && (i == 0 || text[i - 1] != '\\')) {
      line.percent = true;
      break;
    }
    line.command += text[i];
  }
  while (line.command.ends_with(' ') || line.command.ends_with('\t')) line.command.pop_back();
}

CrontabLine read_line(std::string_view rest, CrontabForm form) {
  CrontabLine line;
  const int fields = rest.starts_with('@') ? 1 : 5;
  for (int i = 0; i < fields && !rest.empty(); ++i) (line.when += i == 0 ? "" : " ") += take_word(rest);
  const bool reboot = line.when == "@reboot";
  if (auto times = parse_cron_time(line.when); times)
    line.times = *times;
  else if (!reboot)
    line.fault = times.error().what();
  if (form == CrontabForm::system) line.user = take_word(rest);
  if (line.fault.empty() && line.user.find_first_of("/=$") != std::string::npos)
    line.fault = "there is no user's name before the command";
  read_command(rest, line);
  if (line.fault.empty() && line.command.empty())
    line.fault = form == CrontabForm::system && !line.user.empty()
                     ? "there is no command behind the user's name"
                     : "there is no command";
  if (line.times && !line.times->next(Instant{}, Zone::utc())) line.fault = "no such day ever comes";
  return line;
}

}  // namespace

std::string CrontabLine::variable(std::string_view name) const {
  for (auto one = variables.rbegin(); one != variables.rend(); ++one)
    if (one->first == name) return one->second;
  return {};
}

bool cron_reads_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; });
}

std::vector<CrontabLine> parse_crontab(std::string_view text, CrontabForm form) {
  std::vector<CrontabLine> lines;
  std::vector<std::pair<std::string, std::string>> variables;
  int number = 0;
  for (const auto raw : split(text, '\n')) {
    ++number;
    const std::string_view whole = skip_blanks(raw);
    if (trim(whole).empty() || whole.front() == '#') continue;
    if (auto variable = variable_in(whole); variable) {
      if (variables.size() < most_variables) variables.push_back(std::move(*variable));
      continue;
    }
    if (lines.size() == most_crontab_lines) break;
    lines.push_back(read_line(whole, form));
    lines.back().line = number;
    lines.back().variables = variables;
  }
  return lines;
}

}  // namespace jobrun
