#include "jobs/invoice_api.hpp"

#include <algorithm>
#include <chrono>

#include "base/json.hpp"
#include "base/text.hpp"

namespace jobrun {
namespace {

constexpr std::int64_t end_of_9999 = 253402300799;  // seconds; a `created` in milliseconds is far beyond it
constexpr std::size_t longest_id = 200;
constexpr std::size_t longest_text = 4096;

/// Reads the members of one object and keeps the first fault.
class Reader {
 public:
  Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) fault_ = place_ + " is not an object but " + std::string(object.kind_phrase());
  }

  const std::string& fault() const { return fault_; }

  std::int64_t integer(std::string_view name) {
    const Json& value = object_.at(name);
    if (!value.is_integer()) complain(name, "an integer", value);
    return value.as_integer();
  }

  std::string text(std::string_view name) {
    const Json& value = object_.at(name);
    if (!value.is_string()) complain(name, "a string", value);
    return within_limit(name, value.as_string());
  }

  std::optional<std::string> text_or_null(std::string_view name) {
    const Json& value = object_.at(name);
    if (value.is_null()) return {};
    if (!value.is_string()) complain(name, "a string or null", value);
    return within_limit(name, value.as_string());
  }

  void refuse(std::string_view name, std::string_view why) {
    if (fault_.empty()) fault_ = place_ + "." + std::string(name) + " " + std::string(why);
  }

 private:
  const std::string& within_limit(std::string_view name, const std::string& value) {
    if (value.size() > longest_text) refuse(name, "is longer than 4096 bytes");
    return value;
  }
  void complain(std::string_view name, std::string_view wanted, const Json& value) {
    refuse(name, object_.has(name)
                     ? "is not " + std::string(wanted) + " but " + std::string(value.kind_phrase())
                     : std::string("is missing"));
  }

  const Json& object_;
  std::string place_;
  std::string fault_;
};

Result<Invoice> parse_invoice(const Json& value, const std::string& place) {
  Reader read(value, place);
  Invoice invoice;
  invoice.id = read.text("id");
  if (!is_invoice_id(invoice.id)) read.refuse("id", "is not 1 to 200 letters, digits, '_' and '-'");
  invoice.number = read.text_or_null("number");
  invoice.status = read.text_or_null("status");
  invoice.currency = read.text("currency");
  invoice.amount_due = read.integer("amount_due");
  invoice.amount_paid = read.integer("amount_paid");
  invoice.total = read.integer("total");
  invoice.created = read.integer("created");
  if (invoice.created < 0 || invoice.created > end_of_9999)
    read.refuse("created", "is not a time in seconds (" + std::to_string(invoice.created) + ")");
  invoice.customer_email = read.text_or_null("customer_email");
  invoice.customer_name = read.text_or_null("customer_name");
  if (!read.fault().empty()) return usage_error(read.fault());
  return invoice;
}

}  // namespace

bool is_invoice_id(std::string_view text) {
  return !text.empty() && text.size() <= longest_id && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
  });
}

std::string invoice_page_url(std::string_view api, const InvoicePageAddress& address) {
  std::string url = std::string(api) + "/v1/invoices?limit=" + std::to_string(address.limit);
  if (address.from) url += "&created%5Bgte%5D=" + std::to_string(*address.from);
  if (!address.after.empty()) url += "&starting_after=" + address.after;  // an id needs no escapes
  return url;
}

Result<InvoicePage> parse_invoice_page(std::string_view body) {
  auto json = Json::parse(body);
  if (!json) return usage_error("not JSON: " + json.error().what());
  if (!json->is_object()) return usage_error("not an object but " + std::string(json->kind_phrase()));
  const Json& more = json->at("has_more");
  if (!more.is_bool()) return usage_error("has_more is not a boolean but " + std::string(more.kind_phrase()));
  const Json& data = json->at("data");
  if (!data.is_array()) return usage_error("data is not an array but " + std::string(data.kind_phrase()));
  InvoicePage page;
  page.has_more = more.as_bool();
  page.invoices.reserve(data.items().size());
  for (const Json& row : data.items()) {
    auto invoice = parse_invoice(row, "data[" + std::to_string(page.invoices.size()) + "]");
    if (!invoice) return invoice.error();
    page.invoices.push_back(std::move(*invoice));
  }
  return page;
}

bool is_unknown_invoice(int status, std::string_view body) {
  if (status != 404) return false;
  const auto json = Json::parse(body);
  if (!json) return false;
  const Json& error = json->at("error");
  const std::string& param = error.at("param").as_string();
  return error.at("code").as_string() == "resource_missing" && (param.empty() || param == "starting_after");
}

}  // namespace jobrun
