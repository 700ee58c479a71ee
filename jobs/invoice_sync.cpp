// The job invoice_sync, for one unit (an account): new invoices from the list into the team's database, then
// one webhook per stored invoice, sent from committed rows.
//
// The list is newest first, so a walk through it goes back in time, page by page. After each page its
// invoices are committed, and then the cursor is saved; a kill between the two reads that page once more,
// which changes nothing.
//   walking:  {"since": ..., "newest": ..., "after": "in_..."}   go on behind `after`
//   finished: {"since": ...}                                     `created` of the newest invoice seen
// `since` moves only when a walk is finished, so nothing between it and `newest` can be left out. A walk that
// was taken up again has not seen what arrived above it, so one more look from the top follows it.
//
// The ledger's effects, and not `notified_at`, decide whether a webhook is sent: a kill between the two
// leaves a row that looks untold, and the confirmed effect then answers without acting.
#include <algorithm>
#include <chrono>
#include <set>

#include "base/civil.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "contract/native_job.hpp"
#include "contract/webhook.hpp"
#include "jobs/invoice_api.hpp"
#include "jobs/invoice_settings.hpp"
#include "jobs/invoice_store.hpp"

namespace jobrun {

Verdict invoice_sync(JobContext& context);

namespace {

constexpr int webhooks_per_turn = 20;  // between two marks in the store and two words of progress

/// Where the walk through the list stands; its text is the job's cursor.
struct Walk {
  std::optional<std::int64_t> since;   // nothing: no walk was ever finished
  std::optional<std::int64_t> newest;  // of this walk
  std::string after;                   // empty: at the top
  bool ended = false;                  // not saved: an ended walk is one that has not begun
};

std::string time_text(std::int64_t seconds) {
  return format_instant_short(Instant(std::chrono::seconds(seconds)));
}

std::string cursor_of(const Walk& walk) {
  Json cursor = Json::object();
  if (walk.since) cursor.set("since", time_text(*walk.since));
  if (walk.newest) cursor.set("newest", time_text(*walk.newest));
  if (!walk.after.empty()) cursor.set("after", walk.after);
  return cursor.dump();
}

Result<std::optional<std::int64_t>> time_of(const Json& cursor, std::string_view name) {
  const Json& value = cursor.at(name);
  if (value.is_null()) return std::optional<std::int64_t>();
  const auto at = parse_instant(value.as_string());
  if (!at) return usage_error(std::string(name) + " is not a time such as 2026-04-12T00:00:00Z");
  return std::optional<std::int64_t>(
      std::chrono::floor<std::chrono::seconds>(*at).time_since_epoch().count());
}

/// People mend cursors too, so it is read as carefully as an answer.
Result<Walk> walk_of(const std::string& text) {
  if (text.empty()) return Walk();
  const auto cursor = Json::parse(text);
  if (!cursor) return usage_error("not JSON: " + cursor.error().what());
  if (!cursor->is_object()) return usage_error("not an object but " + std::string(cursor->kind_phrase()));
  for (const auto& [name, value] : cursor->members()) {
    if (name != "since" && name != "newest" && name != "after")
      return usage_error(printable(clip(name, 60)) + " is not one of since, newest and after");
  }
  const auto since = time_of(*cursor, "since");
  if (!since) return since.error();
  const auto newest = time_of(*cursor, "newest");
  if (!newest) return newest.error();
  const Json& after = cursor->at("after");
  if (!after.is_null() && !is_invoice_id(after.as_string()))
    return usage_error("after is not the id of an invoice");
  return Walk{*since, *newest, after.as_string()};
}

Verdict store_failed(const Error& error) {
  const std::string message =
      error.what() + (error.next_step().empty() ? std::string() : " (" + error.next_step() + ")");
  return error.fault() == Fault::ledger ? Verdict::retry("store_unavailable", message)
                                        : Verdict::stop("store_unusable", message);
}

std::string counted(int count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

bool is_success(int status) {
  return status >= 200 && status < 300;
}

/// One attempt. Its steps answer nothing where the work goes on, else the verdict to end with.
class InvoiceSync {
 public:
  InvoiceSync(JobContext& context, InvoiceSettings settings, InvoiceStore store)
      : context_(context), settings_(std::move(settings)), store_(std::move(store)) {}

  Verdict run() {
    if (auto failed = read_list()) return *failed;
    if (auto failed = tell_all()) return *failed;
    return Verdict::done(counted(stored_.added, "invoice") + " stored, " +
                         (stored_.changed > 0 ? std::to_string(stored_.changed) + " changed, " : "") +
                         counted(told_, "webhook") + " sent");
  }

 private:
  std::optional<Verdict> read_list();
  std::optional<Verdict> read_page(Walk& walk);
  void start_over(Walk& walk);
  void finish(Walk& walk) const;
  void save(const Walk& walk);
  Verdict malformed(std::string_view what) const;
  HttpRequest list_request(const Walk& walk) const;

  std::optional<Verdict> tell_all();
  std::optional<Verdict> tell(const InvoiceStore::Untold& row);
  Act send(const InvoiceStore::Untold& row, const std::string& token);
  std::string webhook_body(const InvoiceStore::Untold& row) const;

  HttpRequest request_to(std::string url) const;

  JobContext& context_;
  InvoiceSettings settings_;
  InvoiceStore store_;
  std::string saved_;                // the cursor as the ledger has it
  std::set<std::string> page_ends_;  // of the walk that goes on: a list that leads in a circle is noticed
  int page_ = 0;
  int seen_ = 0;
  InvoiceStore::Stored stored_;
  int told_ = 0;
  bool look_again_ = false;
  bool started_over_ = false;
};

HttpRequest InvoiceSync::request_to(std::string url) const {
  HttpRequest request;
  request.url = std::move(url);
  request.timeout = settings_.timeout;
  request.headers = {
      {"User-Agent", "jobrun/" JOBRUN_VERSION},
      {"X-Jobrun-Run", context_.run_id() + "/" + context_.unit() + "#" + std::to_string(context_.attempt())}};
  return request;
}

// ---- the list ----

std::optional<Verdict> InvoiceSync::read_list() {
  auto walk = walk_of(context_.cursor());
  if (!walk) {
    return Verdict::stop("bad_cursor", "the cursor of " + context_.unit() + ": " + walk.error().what() +
                                           " (jobrun-ledger(5) says how to mend it)");
  }
  saved_ = cursor_of(*walk);
  look_again_ = !walk->after.empty();
  while (true) {
    page_ends_.clear();
    while (!walk->ended) {
      if (auto failed = read_page(*walk)) return failed;
      save(*walk);
      context_.progress("page " + std::to_string(page_) + ": " + counted(seen_, "invoice") + " seen");
    }
    if (!look_again_) return {};
    look_again_ = false;
    walk->ended = false;
  }
}

std::optional<Verdict> InvoiceSync::read_page(Walk& walk) {
  const HttpReply reply = context_.http(list_request(walk));
  ++page_;
  const bool answered = reply.failure == HttpReply::Failure::none;
  if (answered && !walk.after.empty() && !started_over_ && is_unknown_invoice(reply.status, reply.body)) {
    start_over(walk);
    return {};
  }
  if (!answered || !is_success(reply.status))
    return verdict_for_http(reply, "list invoices of " + settings_.account, context_.now());
  const auto page = parse_invoice_page(reply.body);
  if (!page) return malformed(page.error().what());
  if (page->invoices.empty() && page->has_more) return malformed("has_more is true, but data is empty");
  if (page->invoices.empty() && !walk.after.empty()) {
    // The page before had promised more. Taking this for the end would leave the rest out for ever.
    if (started_over_) return malformed("data is empty, but the page before it had has_more");
    start_over(walk);
    return {};
  }
  if (page->has_more) {
    const std::string& end = page->invoices.back().id;
    if (end == walk.after || !page_ends_.insert(end).second)
      return malformed("the list does not move on: " + end + " ends a second page");
  }
  const auto stored = store_.store(settings_.account, page->invoices, context_.now());
  if (!stored) return store_failed(stored.error());
  stored_.added += stored->added;
  stored_.changed += stored->changed;
  seen_ += static_cast<int>(page->invoices.size());
  for (const Invoice& invoice : page->invoices)
    walk.newest = std::max(walk.newest.value_or(invoice.created), invoice.created);
  if (page->has_more) {
    walk.after = page->invoices.back().id;
  } else {
    finish(walk);
  }
  return {};
}

/// The place to go on from is gone at the provider: the walk begins again at the top, once in an attempt.
void InvoiceSync::start_over(Walk& walk) {
  walk = Walk{walk.since, {}, {}};
  page_ends_.clear();
  look_again_ = false;
  started_over_ = true;
}

void InvoiceSync::finish(Walk& walk) const {
  if (walk.newest) {
    // One invoice that is dated far ahead must not hide all that come before that day.
    const auto now = std::chrono::floor<std::chrono::seconds>(context_.now()).time_since_epoch().count();
    const std::int64_t newest = std::min<std::int64_t>(*walk.newest, now);
    walk.since = std::max(walk.since.value_or(newest), newest);
  }
  walk.newest.reset();
  walk.after.clear();
  walk.ended = true;
}

void InvoiceSync::save(const Walk& walk) {
  std::string cursor = cursor_of(walk);
  if (cursor == saved_) return;
  context_.checkpoint(cursor);
  saved_ = std::move(cursor);
}

Verdict InvoiceSync::malformed(std::string_view what) const {
  return Verdict::stop("malformed_answer", "list invoices of " + settings_.account + ": /v1/invoices page " +
                                               std::to_string(page_) + ": " + std::string(what));
}

HttpRequest InvoiceSync::list_request(const Walk& walk) const {
  InvoicePageAddress address;
  address.limit = settings_.page_size;
  address.after = walk.after;
  if (walk.since) {
    const auto lookback = std::chrono::ceil<std::chrono::seconds>(settings_.lookback).count();
    address.from = std::max<std::int64_t>(0, *walk.since - lookback);
  }
  HttpRequest request = request_to(invoice_page_url(settings_.api, address));
  request.headers.emplace_back("Authorization", "Bearer " + settings_.token);
  request.headers.emplace_back("Stripe-Account", settings_.account);
  return request;
}

// ---- the webhooks ----

std::optional<Verdict> InvoiceSync::tell_all() {
  while (true) {
    const auto rows = store_.untold(settings_.account, webhooks_per_turn);
    if (!rows) return store_failed(rows.error());
    if (rows->empty()) return {};
    std::vector<std::string> done;
    std::optional<Verdict> failed;
    for (const InvoiceStore::Untold& row : *rows) {
      failed = tell(row);
      if (failed) break;
      done.push_back(row.invoice.id);
    }
    if (!done.empty()) {
      auto marked = store_.mark_told(done, context_.now());
      if (!marked && !failed) failed = store_failed(marked.error());
    }
    if (failed) return failed;
    context_.progress(counted(told_, "webhook") + " sent");
  }
}

std::optional<Verdict> InvoiceSync::tell(const InvoiceStore::Untold& row) {
  EffectOptions options;
  // Of what never changes: an invoice that is paid later is still the same effect.
  options.fingerprint = sha256_hex("invoice.synced\n" + settings_.account + "\n" + row.invoice.id);
  options.if_in_doubt = IfInDoubt::resend;
  options.token_ttl = std::chrono::hours(24);
  return context_.effect("invoice:" + row.invoice.id + ":webhook", options,
                         [&](const std::string& token) { return send(row, token); });
}

Act InvoiceSync::send(const InvoiceStore::Untold& row, const std::string& token) {
  HttpRequest request = request_to(settings_.webhook);
  request.method = "POST";
  request.body = webhook_body(row);
  request.body_limit = 64 * 1024;
  request.headers.emplace_back("Content-Type", "application/json");
  for (auto& header : webhook_headers(settings_.signing_key, token, context_.now(), request.body))
    request.headers.push_back(std::move(header));

  const HttpReply reply = context_.http(request);
  if (is_success(reply.status)) {  // with whatever body
    ++told_;
    return {Act::Outcome::happened, "HTTP " + std::to_string(reply.status), {}};
  }
  Verdict verdict = verdict_for_http(reply, "send webhook of " + row.invoice.id, context_.now());
  if (reply.status == 409) {  // the receiver is still busy with this very token
    verdict = Verdict::retry("still_in_progress", verdict.message, verdict.retry_after);
    return {Act::Outcome::unknown, {}, std::move(verdict)};
  }
  const bool refused = reply.status != 0 || !reply.request_sent;
  return {refused ? Act::Outcome::did_not_happen : Act::Outcome::unknown, {}, std::move(verdict)};
}

/// The same bytes at every try, as long as the row is the same.
std::string InvoiceSync::webhook_body(const InvoiceStore::Untold& row) const {
  const auto text_or_null = [](const std::optional<std::string>& text) {
    return text ? Json(*text) : Json();
  };
  Json data = Json::object();
  data.set("id", row.invoice.id);
  data.set("account", settings_.account);
  data.set("number", text_or_null(row.invoice.number));
  data.set("total", row.invoice.total);
  data.set("currency", row.invoice.currency);
  data.set("status", text_or_null(row.invoice.status));
  Json body = Json::object();
  body.set("type", "invoice.synced");
  body.set("timestamp", row.first_seen_at);
  body.set("data", std::move(data));
  return body.dump();
}

}  // namespace

Verdict invoice_sync(JobContext& context) {
  auto settings = InvoiceSettings::read(context);
  if (!settings) return Verdict::stop("bad_config", settings.error().what());
  auto store = InvoiceStore::open(settings->store);
  if (!store) return store_failed(store.error());
  return InvoiceSync(context, std::move(*settings), std::move(*store)).run();
}

}  // namespace jobrun
