#include "handler/sender.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "handler/http_words.hpp"
#include "handler/worker.hpp"

namespace jobrun {

namespace {

constexpr std::size_t shown_answer = 200;

Json sent_json(bool taken, int status, const std::string& retry_after, const std::string& message) {
  return Json::object()
      .set("taken", taken)
      .set("status", status)
      .set("retry_after", retry_after)
      .set("message", message);
}

/// The library's words with the host alone in front: the rest of an address may be a secret.
std::string told(const std::string& url, std::string message) {
  const std::string place = place_of(url);
  if (message.starts_with(place)) message.replace(0, place.size(), origin_of(url));
  return message;
}

Json send_request(const Json& json) {
  HttpRequest request;
  request.method = json.at("method").as_string();
  request.url = json.at("url").as_string();
  request.body = json.at("body").as_string();
  for (const auto& one : json.at("headers").items())
    request.headers.emplace_back(one.items().at(0).as_string(), one.items().at(1).as_string());
  request.timeout = request.connect_timeout = Span(json.at("timeout_ms").as_integer());
  request.body_limit = 1024 * 1024;
  HttpClient client;
  const HttpReply reply = client.perform(request);
  const bool taken = reply.status >= 200 && reply.status < 300;
  std::string message = told(request.url, reply.message);
  if (message.empty() && !taken) {
    message = origin_of(request.url) + ": HTTP " + std::to_string(reply.status);
    const std::string said = printable(clip(trim(reply.body), shown_answer));
    if (!said.empty()) message += ": " + said;
  }
  return sent_json(taken, reply.status, reply.retry_after, message);
}

Json send_mail(const Json& json) {
  Mail mail;
  mail.url = json.at("url").as_string();
  mail.from = json.at("from").as_string();
  for (const auto& one : json.at("to").items()) mail.to.push_back(one.as_string());
  mail.user = json.at("user").as_string();
  mail.password = json.at("password").as_string();
  mail.message = json.at("message").as_string();
  mail.timeout = Span(json.at("timeout_ms").as_integer());
  HttpClient client;
  const HttpReply reply = client.send(mail);
  return sent_json(reply.failure == HttpReply::Failure::none, reply.status, "",
                   told(mail.url, reply.message));
}

}  // namespace

ChildSpec sender_spec(const std::string& certificates) {
  ChildSpec spec;
  spec.program = "/proc/self/exe";
  spec.argv = {"jobrun", worker_role, sender_worker};
  spec.workdir = "/";
  if (!certificates.empty()) spec.environment.push_back("SSL_CERT_FILE=" + certificates);
  return spec;
}

std::string parcel(const HttpRequest& request) {
  Json headers = Json::array();
  for (const auto& [name, value] : request.headers) headers.push(Json::array().push(name).push(value));
  return Json::object()
      .set("method", request.method)
      .set("url", request.url)
      .set("headers", std::move(headers))
      .set("body", request.body)
      .set("timeout_ms", std::int64_t{request.timeout.count()})
      .dump();
}

std::string parcel(const Mail& mail) {
  Json to = Json::array();
  for (const auto& one : mail.to) to.push(one);
  return Json::object()
      .set("mail", true)
      .set("url", mail.url)
      .set("from", mail.from)
      .set("to", std::move(to))
      .set("user", mail.user)
      .set("password", mail.password)
      .set("message", mail.message)
      .set("timeout_ms", std::int64_t{mail.timeout.count()})
      .dump();
}

Sent sent(const ErrandEnd& end) {
  Sent how;
  const auto json = Json::parse(trim(end.answer));
  if (end.cut_off) {
    how.message = "was asked to stop";
  } else if (end.too_late) {
    how.message = "no answer in time";
  } else if (!json || !json->has("taken")) {
    how.message = "the sender ended without a word";
    if (!trim(end.answer).empty()) how.message += ": " + printable(clip(trim(end.answer), shown_answer));
  } else {
    how.taken = json->at("taken").as_bool();
    how.status = static_cast<int>(json->at("status").as_integer());
    how.retry_after = json->at("retry_after").as_string();
    how.message = json->at("message").as_string();
  }
  return how;
}

std::string send_parcel(std::string_view text) {
  const auto json = Json::parse(text);
  if (!json) return "";
  return (json->at("mail").as_bool() ? send_mail(*json) : send_request(*json)).dump() + "\n";
}

}  // namespace jobrun
