#include "cli/log.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

constexpr const char* journal_socket = "/run/systemd/journal/socket";

/// $JOURNAL_STREAM is "DEVICE:INODE" of the stream that systemd gave us; a shell may have put stderr
/// elsewhere (systemd.exec(5)).
bool stderr_is_journal(const Environment& environment) {
  const std::string stream = value_of(environment, "JOURNAL_STREAM");
  struct stat info {};
  return !stream.empty() && ::fstat(STDERR_FILENO, &info) == 0 &&
         stream == fmt::format("{}:{}", info.st_dev, info.st_ino);
}

/// False where there is no journal, or it is too busy to take an entry now.
bool send_to_journal(std::string_view entry) {
  static const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, journal_socket, sizeof address.sun_path - 1);
  return socket && ::sendto(socket.get(), entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                            reinterpret_cast<const sockaddr*>(&address),
                            sizeof address) == static_cast<ssize_t>(entry.size());
}

std::string led(std::string_view lead, std::string_view text) {
  std::string lines;
  for (const std::string_view line : split(text, '\n')) lines.append(lead).append(line).append("\n");
  return lines;
}

}  // namespace

Result<LogForm> log_form(std::string_view word, const Environment& environment) {
  if (word == "text") return LogForm::text;
  if (word == "logfmt") return LogForm::logfmt;
  if (word == "json") return LogForm::json;
  if (word == "auto" && stderr_is_journal(environment)) return LogForm::journal;
  if (word == "auto") return on_terminal(STDERR_FILENO) ? LogForm::text : LogForm::logfmt;
  return usage_error("\"" + printable(word) + "\" is no form of log lines",
                     "write auto, text, logfmt or json");
}

void Log::set_run(std::string job, std::string run_date, std::string run_id, std::string caller) {
  run_ = {{"job", std::move(job)}, {"run_id", std::move(run_id)}, {"run_date", std::move(run_date)}};
  if (!caller.empty()) run_.emplace_back("caller", std::move(caller));
}

void Log::choose(LogForm form) {
  form_ = form;
  chosen_ = true;
}

void Log::write(std::string_view level, std::string_view message, const LogFields& fields,
                std::string_view sentence, std::string_view message_id) {
  // Before a run is known there is nothing but the words.
  if (run_.empty() && form_ == LogForm::logfmt && !chosen_) return print_err(led("jobrun: ", sentence));
  LogFields all = run_;
  all.insert(all.end(), fields.begin(), fields.end());
  switch (form_) {
    case LogForm::logfmt:
      return print_err(logfmt_line(clock_.wall(), level, message, all) + "\n");
    case LogForm::json:
      return print_err(json_line(clock_.wall(), level, message, all) + "\n");
    case LogForm::journal:
      if (send_to_journal(journal_entry(level, sentence, all, message_id))) return;
      return print_err(led(fmt::format("<{}>", priority_of(level)), sentence));
    case LogForm::text:
      return print_err(led(fields.empty() ? "jobrun: " : "", sentence));  // an attempt's begins with its name
  }
}

void Log::error(const Error& error) {
  if (form_ == LogForm::text || (form_ == LogForm::logfmt && !chosen_)) return print_error(error);
  const std::string hint = error.next_step().empty() ? "" : "\nhint: " + error.next_step();
  write("error", error.what(), {{"hint", error.next_step()}}, error.what() + hint);
}

}  // namespace jobrun
