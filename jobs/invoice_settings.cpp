#include "jobs/invoice_settings.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "contract/webhook.hpp"
#include "jobs/invoice_api.hpp"

namespace jobrun {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Reads fields and collects every fault. A field that nobody asked for is a typing error.
class Fields {
 public:
  explicit Fields(const JobContext& context) : context_(context), config_(context.config()) {
    if (!config_.is_null() && !config_.is_object()) complain("config is not an object");
  }

  std::string text(const std::string& name, const std::string& otherwise = {}) {
    const Json& value = at(name);
    if (value.is_null() && !otherwise.empty()) return otherwise;
    if (value.is_null()) {
      complain("config." + name + " is missing");
    } else if (!value.is_string()) {
      complain("config." + name + " is not a string but " + std::string(value.kind_phrase()));
    } else if (value.as_string().empty() || has_control(value.as_string())) {
      complain("config." + name + " is empty or has a control character");
    }
    return value.as_string();
  }

  std::string url(const std::string& name) {
    const std::size_t before = faults_.size();
    std::string value = text(name);
    const std::size_t host = value.rfind("http://", 0) == 0 ? 7 : value.rfind("https://", 0) == 0 ? 8 : 0;
    const bool sound = host > 0 && value.size() > host && value[host] != '/' &&
                       value.find_first_of(" #") == std::string::npos;
    if (faults_.size() == before && !sound) complain("config." + name + " is not an http or https URL");
    return value;
  }

  std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high, std::int64_t otherwise) {
    const Json& value = at(name);
    if (value.is_null()) return otherwise;
    if (value.is_integer() && value.as_integer() >= low && value.as_integer() <= high)
      return value.as_integer();
    complain("config." + name + " is not an integer from " + std::to_string(low) + " to " +
             std::to_string(high));
    return otherwise;
  }

  Span duration(const std::string& name, Span low, Span otherwise) {
    const Json& value = at(name);
    if (value.is_null()) return otherwise;
    const auto span = parse_duration(value.as_string());
    if (span && *span >= low) return *span;
    complain("config." + name +
             (span ? " is less than " + format_duration(low)
                   : std::string(" is not a duration (write 90s, 10m, 6h or 2d)")));
    return otherwise;
  }

  std::string secret(const std::string& name) {
    const auto value = context_.secret(name);
    const std::string_view text = value ? trim(*value) : std::string_view();  // a file ends with a newline
    if (!value) {
      complain("the secret " + name + " is missing");
    } else if (text.empty() || has_control(text)) {
      complain("the secret " + name + " is empty or has a control character");
    }
    return std::string(text);
  }

  void complain(std::string fault) { faults_.push_back(std::move(fault)); }

  /// All faults, with the fields that nobody asked for; empty where there are none.
  std::string faults() {
    for (const auto& [name, value] : config_.members()) {
      if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
      const auto meant = nearest(name, names_);
      complain("config." + printable(clip(name, 60)) + " is not a field of this job" +
               (meant ? " (did you mean " + *meant + "?)" : ""));
    }
    return join(faults_, "; ");
  }

 private:
  const Json& at(const std::string& name) {
    names_.push_back(name);
    return config_.at(name);
  }

  const JobContext& context_;
  const Json& config_;
  std::vector<std::string> names_;
  std::vector<std::string> faults_;
};

}  // namespace

Result<InvoiceSettings> InvoiceSettings::read(const JobContext& context) {
  Fields fields(context);
  InvoiceSettings settings;
  settings.api = fields.url("api");
  while (!settings.api.empty() && settings.api.back() == '/') settings.api.pop_back();
  if (settings.api.find('?') != std::string::npos) fields.complain("config.api has a query");
  settings.account = fields.text("account", context.unit() == "-" ? std::string() : context.unit());
  settings.store = fields.text("store");
  settings.webhook = fields.url("webhook");
  settings.page_size = fields.integer("page_size", 1, 100, settings.page_size);
  settings.lookback = fields.duration("lookback", Span(0), settings.lookback);
  settings.timeout = fields.duration("timeout", std::chrono::seconds(1), settings.timeout);
  settings.token = fields.secret("BILLING_TOKEN");
  const std::string secret = fields.secret("WEBHOOK_SECRET");
  const auto key = webhook_key(secret);
  if (!key && !secret.empty()) fields.complain("the secret WEBHOOK_SECRET is not whsec_ and base64");
  if (key) settings.signing_key = *key;
  const std::string faults = fields.faults();
  if (!faults.empty()) return usage_error(faults);
  return settings;
}

}  // namespace jobrun
