// The `alerts` and `pings` parts of a manifest, which the configuration has too. See
// contract/manifest_parts.hpp.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "contract/manifest_parts.hpp"

namespace jobrun {

namespace {

constexpr std::string_view standard_sendmail = "/usr/sbin/sendmail";

struct Target {
  AlertTarget made;
  int ways = 0;  // command, webhook, mail
};

void read_on(const Place& place, Target& target) {
  if (!expect_array(place, 1, alert_events.size())) return;
  target.made.on.clear();
  for (std::size_t i = 0; i < place.value.items().size(); ++i) {
    const Place element = place.element(i);
    const auto event = alert_event(element.value.as_string());
    if (!event) {
      element.fault("must be \"stopped\", \"exhausted\", \"in_doubt\", \"stale\" or \"recovered\"");
    } else if (target.made.wants(*event)) {
      element.fault(in_quotes(element.value.as_string()) + " is listed twice");
    } else {
      target.made.on.push_back(*event);
    }
  }
}

/// A web address, or a reference to one.
std::optional<std::string> read_address(const Place& place) {
  auto text = read_text(place, 4096);
  if (!text || secret_reference(*text)) return text;
  const std::size_t host = text->starts_with("https://") ? 8 : text->starts_with("http://") ? 7 : 0;
  if (host != 0 && text->size() > host && text->find(' ') == std::string::npos &&
      text->substr(host, text->find_first_of("/?#", host) - host).find('@') == std::string::npos)
    return text;
  place.fault("is not a web address (write https://..., or credential:NAME where it is a secret)");
  return {};
}

std::optional<std::string> read_reference(const Place& place) {
  auto text = read_text(place, 4096);
  if (!text || secret_reference(*text)) return text;
  place.fault("is not a reference to a secret (credential:NAME, file:PATH or env:NAME)");
  return {};
}

/// One address as headers and SMTP have it: no display name, nothing that would begin another header.
std::optional<std::string> read_mail_address(const Place& place) {
  auto text = read_text(place, 254);
  if (!text) return {};
  const std::size_t at = text->find('@');
  const bool sound =
      at != 0 && at != std::string::npos && at + 1 < text->size() && text->front() != '-' &&
      text->rfind('@') == at && std::all_of(text->begin(), text->end(), [](char c) {
        return c > ' ' && c < 0x7f && std::string_view("<>()[]\\,;:\"").find(c) == std::string_view::npos;
      });
  if (sound) return text;
  place.fault(in_quotes(*text) + " is not a mail address (write finance@example.com)");
  return {};
}

constexpr std::array<Key<AlertTarget>, 3> webhook_keys = {{
    {"url", [](const Place& place, AlertTarget& target) { keep(read_address(place), target.url); }},
    {"secret", [](const Place& place, AlertTarget& target) { keep(read_reference(place), target.secret); }},
    {"format",
     [](const Place& place, AlertTarget& target) {
       const std::string& word = place.value.as_string();
       if (word != "standard" && word != "slack") place.fault("must be \"standard\" or \"slack\"");
       if (word == "slack") target.kind = AlertTarget::Kind::slack;
     }},
}};

void read_webhook(const Place& place, Target& target) {
  ++target.ways;
  target.made.kind = AlertTarget::Kind::webhook;
  if (!read_members(place, webhook_keys, target.made)) return;
  if (!place.value.has("url")) place.fault("has no url");
  const bool slack = target.made.kind == AlertTarget::Kind::slack;
  if (slack && place.value.has("secret")) place.fault("has a secret, which Slack's shape has no place for");
  if (!slack && !place.value.has("secret"))
    place.fault("has no secret to sign with (\"secret\": \"credential:NAME\")");
}

constexpr std::array<Key<AlertTarget>, 6> mail_keys = {{
    {"to",
     [](const Place& place, AlertTarget& target) {
       if (!place.value.is_array()) {
         if (auto one = read_mail_address(place)) target.to.push_back(std::move(*one));
         return;
       }
       if (!expect_array(place, 1, 100)) return;
       for (std::size_t i = 0; i < place.value.items().size(); ++i)
         if (auto one = read_mail_address(place.element(i))) target.to.push_back(std::move(*one));
     }},
    {"from", [](const Place& place, AlertTarget& target) { keep(read_mail_address(place), target.from); }},
    {"server",
     [](const Place& place, AlertTarget& target) {
       auto url = read_text(place, 255);
       if (!url) return;
       const std::size_t host = url->starts_with("smtps://") ? 8 : url->starts_with("smtp://") ? 7 : 0;
       if (host == 0 || url->size() == host || url->find_first_of(" @/?#", host) != std::string::npos)
         return place.fault(in_quotes(*url) +
                            " is not a mail server (write smtp://HOST:PORT or smtps://HOST)");
       target.url = *url;
     }},
    {"user", [](const Place& place, AlertTarget& target) { keep(read_text(place, 255), target.user); }},
    {"password",
     [](const Place& place, AlertTarget& target) { keep(read_reference(place), target.password); }},
    {"sendmail",
     [](const Place& place, AlertTarget& target) {
       const auto path = read_text(place, 4096);
       if (path && !path->starts_with('/')) return place.fault(in_quotes(*path) + " is not an absolute path");
       keep(path, target.sendmail);
     }},
}};

void read_mail(const Place& place, Target& target) {
  ++target.ways;
  target.made.kind = AlertTarget::Kind::mail;
  if (!read_members(place, mail_keys, target.made)) return;
  if (!place.value.has("to")) place.fault("has no to");
  const bool server = place.value.has("server");
  if (server && place.value.has("sendmail")) place.fault("has a server and a sendmail (keep one)");
  if (place.value.has("user") != place.value.has("password"))
    place.fault("has one of user and password (a login needs both)");
  if (place.value.has("user") && !server) place.fault("has a login, but no server");
  if (!server && target.made.sendmail.empty()) target.made.sendmail = standard_sendmail;
}

constexpr std::array<Key<Target>, 4> alert_keys = {{
    {"on", read_on},
    {"command",
     [](const Place& place, Target& target) {
       ++target.ways;
       keep(read_command(place), target.made.command);
     }},
    {"webhook", read_webhook},
    {"mail", read_mail},
}};

constexpr std::array<Key<PingSpec>, 1> ping_keys = {{
    {"url", [](const Place& place, PingSpec& pings) { keep(read_address(place), pings.url); }},
}};

}  // namespace

std::vector<std::string> alert_key_names() {
  return names_of(alert_keys);
}
std::vector<std::string> ping_key_names() {
  return names_of(ping_keys);
}

void read_alerts(const Place& place, std::vector<AlertTarget>& targets) {
  targets.clear();
  if (!expect_array(place, 0, 20)) return;
  for (std::size_t i = 0; i < place.value.items().size(); ++i) {
    const Place element = place.element(i);
    Target target;
    target.made.on.assign(alert_events.begin(), alert_events.end());
    if (!read_members(element, alert_keys, target)) continue;
    if (target.ways != 1)
      element.fault(target.ways == 0
                        ? "tells nobody (give it \"command\", \"webhook\" or \"mail\")"
                        : "tells in more than one way (one of \"command\", \"webhook\", \"mail\")");
    targets.push_back(std::move(target.made));
  }
}

void read_pings(const Place& place, PingSpec& pings) {
  if (!read_members(place, ping_keys, pings)) return;
  if (!place.value.has("url")) place.fault("has no url");
}

Result<AlertTarget> kept_alert_target(std::string_view text) {
  auto json = Json::parse(text);
  if (!json) return json.error();
  Faults faults("target");
  std::vector<AlertTarget> targets;
  const Json list = Json::array().push(*json);
  read_alerts(Place{list, {}, faults}, targets);
  if (!faults.none()) return faults.error();
  return targets.front();
}

}  // namespace jobrun
