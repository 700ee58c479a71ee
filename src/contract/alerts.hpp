// Whom a job's manifest tells, of what, and how: `alerts` and `pings`; and the words in which it is told.
// Pure: reads specifications and writes messages; sends nothing and resolves no secret. A message's words are
// made once and kept, so that every try to deliver it says the same.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace jobrun {

/// What is told: that a unit came to stand, that a job is stale, that it is well again.
enum class AlertEvent { stopped, exhausted, in_doubt, stale, recovered };
std::string_view word_of(AlertEvent event);
std::optional<AlertEvent> alert_event(std::string_view word);
inline constexpr std::array<AlertEvent, 5> alert_events = {AlertEvent::stopped, AlertEvent::exhausted,
                                                           AlertEvent::in_doubt, AlertEvent::stale,
                                                           AlertEvent::recovered};

/// One target of `alerts`.
struct AlertTarget {
  enum class Kind { command, webhook, slack, mail };
  Kind kind = Kind::command;
  std::vector<AlertEvent> on;        ///< never empty
  std::vector<std::string> command;  ///< argv; "./x" stands in the manifest's folder
  std::string url;                   ///< webhook, slack; or of the mail server, empty: sendmail
  std::string secret;                ///< webhook: a reference
  std::vector<std::string> to;       ///< mail
  std::string from;                  ///< mail; empty: jobrun at this host
  std::string user, password;        ///< of the mail server; the password is a reference
  std::string sendmail;              ///< program

  bool wants(AlertEvent event) const;
  /// "webhook hooks.example.com", "mail to a@example.com": never a secret.
  std::string name() const;
  /// Relative paths in it (a command, a file with a secret) stand on `folder` from here on.
  void stand_on(const std::string& folder);
  /// As a manifest writes it, for keeping (contract/manifest_parts reads it back).
  Json json() const;
};
bool wants(const std::vector<AlertTarget>& targets, AlertEvent event);

/// `pings`: a check that is told of start, success and failure (Healthchecks' way).
struct PingSpec {
  std::string url;  ///< as written, or a reference
};

/// What happened to one unit.
struct AlertFact {
  AlertEvent event = AlertEvent::stopped;
  std::string unit;  ///< empty: the job as a whole
  int attempt = 0;   ///< 0: none
  std::string reason, message, next_action;
  std::string at;     ///< RFC 3339
  std::string since;  ///< since when that has been so; of recovered: since when it had not been well
};

/// One message: what happened to units of one run (or to a job) in one call.
struct AlertMessage {
  std::string id;  ///< the same at every try
  std::string at;  ///< when it was written
  std::string job, run_id, run_date, owner, runbook;
  std::string host;
  std::string command;           ///< to type; empty: none
  std::vector<AlertFact> facts;  ///< one at least; the gravest is the message's event

  const AlertFact& gravest() const;
  /// The documented body, with schema_version.
  Json json() const;
};

/// One line for a subject, a notification, an environment variable. Of a body that json() wrote.
std::string alert_subject(const Json& body);
/// Some lines for a tired person.
std::string alert_text(const Json& body);
/// Slack's shape.
std::string slack_body(const Json& body);
/// RFC 5322 with its date, lines end with LF: the same at every try.
std::string mail_message(const Json& body, const std::string& from, const std::vector<std::string>& to);
/// "Sun, 12 Apr 2026 02:00:00 +0000" (RFC 5322 3.3).
std::string mail_date(Instant at);

}  // namespace jobrun
