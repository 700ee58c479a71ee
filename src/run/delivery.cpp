#include "run/delivery.hpp"

#include "base/text.hpp"
#include "contract/manifest_parts.hpp"
#include "contract/retry.hpp"
#include "contract/webhook.hpp"
#include "handler/output.hpp"
#include "handler/sender.hpp"
#include "run/catalog.hpp"
#include "run/launch.hpp"

namespace jobrun {

namespace {

/// The text itself, or the secret that it refers to.
Result<std::string> value_of_reference(World& world, const std::string& text, Delivery& delivery) {
  const auto reference = secret_reference(text);
  if (!reference) return text;
  auto value = secret_value(*reference, "/", world.environment);
  if (!value) return Error(value.error().fault(), text + ": " + value.error().what());
  for (auto& form : forms_of_secret(*value)) delivery.masked.push_back(std::move(form));
  return value;
}

Result<HttpRequest> webhook_request(World& world, Delivery& delivery, const Json& body, Span limit) {
  HttpRequest request;
  request.method = "POST";
  auto url = value_of_reference(world, delivery.target.url, delivery);
  if (!url) return url.error();
  request.url = *url;
  request.timeout = limit;
  const bool slack = delivery.target.kind == AlertTarget::Kind::slack;
  request.body = slack ? slack_body(body) : delivery.letter.body;
  if (!slack) {
    auto secret = value_of_reference(world, delivery.target.secret, delivery);
    if (!secret) return secret.error();
    const auto key = webhook_key(*secret);
    if (!key) return Error(Fault::setup, delivery.target.secret + " is not a whsec_... secret of base64");
    request.headers = webhook_headers(*key, delivery.letter.token, world.clock.wall(), request.body);
  }
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("User-Agent", "jobrun/" JOBRUN_VERSION);
  return request;
}

std::string sender_address(const AlertTarget& target, const Json& body) {
  return target.from.empty() ? "jobrun@" + body.at("host").as_string() : target.from;
}

Result<Mail> mail_for(World& world, Delivery& delivery, const Json& body, Span limit) {
  const AlertTarget& target = delivery.target;
  Mail mail;
  mail.url = target.url;
  mail.from = sender_address(target, body);
  mail.to = target.to;
  mail.user = target.user;
  mail.timeout = limit;
  if (!target.password.empty()) {
    auto password = value_of_reference(world, target.password, delivery);
    if (!password) return password.error();
    mail.password = *password;
  }
  for (const char c : mail_message(body, mail.from, target.to)) {
    if (c == '\n') mail.message += '\r';
    mail.message += c;
  }
  return mail;
}

ChildSpec command_spec(World& world, const Delivery& delivery, const Json& body) {
  ChildSpec spec = bare_command(delivery.target.command, world.environment);
  const auto set = [&](const char* name, const std::string& value) {
    spec.environment.push_back(std::string(name) + "=" + value);
  };
  const auto text = [&](const char* member) { return printable(body.at(member).as_string()); };
  set("JOBRUN_ALERT_ID", delivery.letter.token);
  set("JOBRUN_ALERT_EVENT", text("event"));
  set("JOBRUN_ALERT_SUBJECT", alert_subject(body));
  set("JOBRUN_JOB", text("job"));
  set("JOBRUN_RUN_ID", text("run_id"));
  set("JOBRUN_RUN_DATE", text("run_date"));
  set("JOBRUN_UNIT", body.at("unit").as_string());
  set("JOBRUN_ATTEMPT", body.at("attempt").is_null() ? "" : std::to_string(body.at("attempt").as_integer()));
  set("JOBRUN_REASON", text("reason"));
  set("JOBRUN_MESSAGE", text("message"));
  set("JOBRUN_NEXT_ACTION", text("next_action"));
  set("JOBRUN_COMMAND", text("command"));
  return spec;
}

}  // namespace

Result<Errand> begin_delivery(World& world, Delivery& delivery, Span limit) {
  const Span deadline = world.clock.steady() + limit;
  auto target = kept_alert_target(delivery.letter.target);
  if (!target) return target.error();
  delivery.target = std::move(*target);
  const auto body = Json::parse(delivery.letter.body);
  if (!body) return body.error();
  const std::string certificates = value_of(world.environment, "SSL_CERT_FILE");
  switch (delivery.target.kind) {
    case AlertTarget::Kind::command:
      return Errand::start(command_spec(world, delivery, *body), delivery.letter.body + "\n", deadline);
    case AlertTarget::Kind::webhook:
    case AlertTarget::Kind::slack: {
      auto request = webhook_request(world, delivery, *body, limit);
      if (!request) return request.error();
      return Errand::start(sender_spec(certificates), parcel(*request), deadline);
    }
    case AlertTarget::Kind::mail: {
      if (delivery.target.url.empty()) {
        const std::string from = sender_address(delivery.target, *body);
        return Errand::start(bare_command({delivery.target.sendmail, "-t", "-oi"}, world.environment),
                             mail_message(*body, from, delivery.target.to), deadline);
      }
      auto mail = mail_for(world, delivery, *body, limit);
      if (!mail) return mail.error();
      return Errand::start(sender_spec(certificates), parcel(*mail), deadline);
    }
  }
  return Error(Fault::internal, "an alert's target of no kind");
}

DeliveryEnd end_delivery(const Delivery& delivery, const ErrandEnd& end, Span limit, Instant now) {
  DeliveryEnd outcome;
  const bool by_sender =
      delivery.target.kind != AlertTarget::Kind::command && delivery.target.sendmail.empty();
  if (by_sender) {
    const Sent how = sent(end);
    outcome.sent = how.taken;
    outcome.final = how.status == 410 && delivery.target.kind == AlertTarget::Kind::webhook;
    outcome.retry_after = parse_retry_after(how.retry_after, now);
    outcome.message = how.message;
  } else {
    outcome.sent = end.is_good();
    outcome.message =
        end.too_late ? "took longer than " + format_duration(limit) : classify(end.how, {}, limit).message;
    const std::string said = printable(clip(trim(end.answer), 200));
    if (!said.empty()) outcome.message += ": " + said;
  }
  outcome.message = masked(std::move(outcome.message), delivery.masked);
  return outcome;
}

}  // namespace jobrun
