// The words of an alert: its JSON body, and what people read. See contract/alerts.hpp.
#include <algorithm>
#include <map>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/alerts.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_listed = 100;   // units in one body
constexpr std::size_t most_in_text = 20;   // units in one text
constexpr std::size_t longest_line = 900;  // RFC 5322 2.1.1 has 998

/// The order in which a person wants to hear of them.
int gravity(AlertEvent event) {
  switch (event) {
    case AlertEvent::in_doubt:
      return 4;
    case AlertEvent::exhausted:
      return 3;
    case AlertEvent::stopped:
      return 2;
    case AlertEvent::stale:
      return 1;
    case AlertEvent::recovered:
      return 0;
  }
  return 0;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

std::string shown(const Json& text) {
  return printable(text.as_string());
}

/// "3 units need a person (2 stopped, 1 exhausted)".
std::string counted(const Json& body) {
  const auto total = body.at("units_total").as_integer();
  if (body.at("event").as_string() == "recovered") return fmt::format("{} units recovered", total);
  std::vector<std::string> parts;
  for (const auto& [word, count] : body.at("counts").members())
    parts.push_back(fmt::format("{} {}", count.as_integer(), word));
  return fmt::format("{} units need a person ({})", total, join(parts, ", "));
}

std::string escaped_for_slack(std::string_view text) {
  std::string made;
  for (const char c : text)
    made += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return made;
}

/// RFC 2047, in words of at most 75 characters that end at a character's border.
std::string header_text(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (plain) return std::string(text);
  std::string made;
  while (!text.empty()) {
    std::size_t end = std::min<std::size_t>(text.size(), 42);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    made += (made.empty() ? "" : "\n ") + ("=?UTF-8?B?" + base64_encode(text.substr(0, end)) + "?=");
    text.remove_prefix(end);
  }
  return made;
}

}  // namespace

const AlertFact& AlertMessage::gravest() const {
  return *std::max_element(facts.begin(), facts.end(), [](const AlertFact& a, const AlertFact& b) {
    return gravity(a.event) < gravity(b.event);
  });
}

Json AlertMessage::json() const {
  const AlertFact& first = gravest();
  std::map<std::string, std::int64_t> count;
  std::string since = first.since;
  Json units = Json::array();
  for (const AlertFact& fact : facts) {
    ++count[std::string(word_of(fact.event))];
    since = std::min(since, fact.since);
    if (units.items().size() == most_listed || fact.unit.empty()) continue;
    units.push(Json::object()
                   .set("unit", fact.unit)
                   .set("event", word_of(fact.event))
                   .set("attempt", fact.attempt)
                   .set("reason", text_or_null(fact.reason))
                   .set("message", text_or_null(fact.message))
                   .set("next_action", text_or_null(fact.next_action))
                   .set("since", fact.since));
  }
  Json counts = Json::object();
  for (const auto& [word, number] : count) counts.set(word, number);
  const bool one = facts.size() == 1;
  const bool of_job = first.unit.empty();
  return Json::object()
      .set("schema_version", 1)
      .set("id", id)
      .set("type", "job." + std::string(word_of(first.event)))
      .set("timestamp", at)
      .set("event", word_of(first.event))
      .set("job", job)
      .set("run_date", text_or_null(run_date))
      .set("run_id", text_or_null(run_id))
      .set("unit", one ? text_or_null(first.unit) : Json())
      .set("attempt", one && first.attempt > 0 ? Json(first.attempt) : Json())
      .set("reason", text_or_null(first.reason))
      .set("message", text_or_null(first.message))
      .set("next_action", text_or_null(first.next_action))
      .set("command", text_or_null(command))
      .set("since", since)
      .set("owner", text_or_null(owner))
      .set("runbook", text_or_null(runbook))
      .set("host", host)
      .set("counts", std::move(counts))
      .set("units_total", of_job ? Json(0) : Json(static_cast<std::int64_t>(facts.size())))
      .set("units", std::move(units));
}

std::string alert_subject(const Json& body) {
  const std::string& event = body.at("event").as_string();
  const std::string job = shown(body.at("job"));
  if (body.at("units_total").as_integer() == 0)
    return event == "stale" ? job + " is stale" : job + " is fresh again";
  const std::string run = job + " " + shown(body.at("run_date")) + ": ";
  if (body.at("units_total").as_integer() > 1) return clip(run + counted(body), 200);
  const std::string unit = body.at("unit").as_string() == "-" ? "" : shown(body.at("unit")) + " ";
  const std::string word = event == "in_doubt" ? "in doubt" : event;
  const std::string why =
      event == "recovered" || body.at("reason").is_null() ? "" : " (" + shown(body.at("reason")) + ")";
  return clip(run + unit + word + why, 200);
}

std::string alert_text(const Json& body) {
  std::string text = alert_subject(body) + "\n\n";
  const auto line = [&](std::string_view label, const Json& value) {
    if (!value.is_null() && !value.as_string().empty())
      text += clip(fmt::format("{:<10}{}", label, shown(value)), longest_line) + "\n";
  };
  const bool several = body.at("units_total").as_integer() > 1;
  if (!several) {
    line("message", body.at("message"));
    line("next", body.at("next_action"));
  }
  line("type", body.at("command"));
  line("since", body.at("since"));
  line("runbook", body.at("runbook"));
  line("owner", body.at("owner"));
  line("run", body.at("run_id"));
  line("host", body.at("host"));
  if (!several) return text;
  text += "\n";
  std::size_t listed = 0;
  for (const Json& unit : body.at("units").items()) {
    if (listed++ == most_in_text) break;
    const std::string why = unit.at("reason").is_null() ? "" : " " + shown(unit.at("reason"));
    const std::string what = unit.at("message").is_null() ? "" : ": " + shown(unit.at("message"));
    text += clip(shown(unit.at("unit")) + ": " + shown(unit.at("event")) + why + what, longest_line) + "\n";
  }
  const auto total = static_cast<std::size_t>(body.at("units_total").as_integer());
  if (total > most_in_text) text += fmt::format("and {} more\n", total - most_in_text);
  return text;
}

std::string slack_body(const Json& body) {
  const std::string subject = escaped_for_slack(alert_subject(body));
  std::string text = alert_text(body);
  text = escaped_for_slack(text.substr(std::min(text.size(), text.find('\n') + 2)));
  Json section = Json::object()
                     .set("type", "section")
                     .set("text", Json::object()
                                      .set("type", "mrkdwn")
                                      .set("text", "*" + subject + "*\n```" + clip(text, 2800) + "```"));
  return Json::object().set("text", subject).set("blocks", Json::array().push(std::move(section))).dump();
}

std::string mail_date(Instant at) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
                     days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string mail_message(const Json& body, const std::string& from, const std::vector<std::string>& to) {
  const auto at = parse_instant(body.at("timestamp").as_string());
  const std::size_t domain = from.rfind('@');
  std::string mail;
  mail += "From: jobrun <" + from + ">\n";
  mail += "To: " + join(to, ",\n ") + "\n";
  mail += "Subject: " + header_text(alert_subject(body)) + "\n";
  mail += "Date: " + mail_date(at ? *at : Instant{}) + "\n";
  mail += "Message-ID: <" + body.at("id").as_string() + from.substr(domain) + ">\n";
  mail += "Auto-Submitted: auto-generated\n";
  mail += "MIME-Version: 1.0\n";
  mail += "Content-Type: text/plain; charset=utf-8\n";
  mail += "Content-Transfer-Encoding: 8bit\n\n";
  return mail + alert_text(body);
}

}  // namespace jobrun
