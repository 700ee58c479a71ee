#include "contract/alerts.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/file.hpp"

namespace jobrun {

std::string_view word_of(AlertEvent event) {
  switch (event) {
    case AlertEvent::stopped:
      return "stopped";
    case AlertEvent::exhausted:
      return "exhausted";
    case AlertEvent::in_doubt:
      return "in_doubt";
    case AlertEvent::stale:
      return "stale";
    case AlertEvent::recovered:
      return "recovered";
  }
  std::abort();
}

std::optional<AlertEvent> alert_event(std::string_view word) {
  for (const AlertEvent event : alert_events)
    if (word_of(event) == word) return event;
  return {};
}

bool AlertTarget::wants(AlertEvent event) const {
  return std::find(on.begin(), on.end(), event) != on.end();
}

bool wants(const std::vector<AlertTarget>& targets, AlertEvent event) {
  return std::any_of(targets.begin(), targets.end(), [&](const auto& one) { return one.wants(event); });
}

std::string AlertTarget::name() const {
  switch (kind) {
    case Kind::command:
      return "command " + command.front();
    case Kind::webhook:
    case Kind::slack: {
      const std::string word = kind == Kind::slack ? "slack" : "webhook";
      const std::size_t scheme = url.find("://");
      if (scheme == std::string::npos) return word + " " + url;  // a reference
      return word + " " + url.substr(0, url.find_first_of("/?#", scheme + 3));
    }
    case Kind::mail:
      return "mail to " + to.front() + (to.size() > 1 ? " and others" : "");
  }
  std::abort();
}

void AlertTarget::stand_on(const std::string& folder) {
  if (!command.empty() && command.front().starts_with("./"))
    command.front() = path_join(folder, command.front().substr(2));
  for (std::string* reference : {&url, &secret, &password})
    if (reference->starts_with("file:")) *reference = "file:" + path_join(folder, reference->substr(5));
}

namespace {

Json array_of(const std::vector<std::string>& words) {
  Json array = Json::array();
  for (const auto& word : words) array.push(word);
  return array;
}

void set_if(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object.set(name, value);
}

}  // namespace

Json AlertTarget::json() const {
  Json json = Json::object();
  Json events = Json::array();
  for (const AlertEvent event : on) events.push(word_of(event));
  json.set("on", std::move(events));
  switch (kind) {
    case Kind::command:
      json.set("command", array_of(command));
      break;
    case Kind::webhook:
      json.set("webhook", Json::object().set("url", url).set("secret", secret));
      break;
    case Kind::slack:
      json.set("webhook", Json::object().set("url", url).set("format", "slack"));
      break;
    case Kind::mail: {
      Json mail = Json::object().set("to", array_of(to));
      set_if(mail, "from", from);
      set_if(mail, "server", url);
      set_if(mail, "user", user);
      set_if(mail, "password", password);
      set_if(mail, "sendmail", sendmail);
      json.set("mail", std::move(mail));
      break;
    }
  }
  return json;
}

}  // namespace jobrun
