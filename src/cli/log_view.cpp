#include "cli/log_view.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/envelope.hpp"

namespace jobrun {

namespace {

constexpr std::size_t longest_held = 64 * 1024;  // a line without an end is shown in parts of this size

/// printable(), but tabs stay what they are: they do no harm and columns need them.
std::string safe(std::string_view text) {
  std::string out;
  const auto parts = split(text, '\t');
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i > 0 ? "\t" : "") + printable(parts[i]);
  return out;
}

/// Bytes at the end that may be the beginning of a character.
std::size_t begun_character(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

std::string LogView::name_of(const LogPiece& piece) const {
  return attempt_name(run_id_, piece.attempt.unit, piece.attempt.number);
}

std::string LogView::headline(const LogPiece& piece) const {
  const WrittenAttempt& attempt = piece.attempt;
  std::string text = "==> " + printable(name_of(piece)) + "  ";
  if (piece.cut_off) {
    text += fmt::format("cut off: its jobrun (pid {}) is gone", attempt.pid);
  } else if (attempt.state == AttemptState::running) {
    text += "running";
  } else {
    text += word_of(attempt.state);
    if (attempt.state != AttemptState::done) text += ", " + printable(attempt.reason);
    if (attempt.wall_ms) text += ", took " + format_age(Span(*attempt.wall_ms));
    if (attempt.output_bytes == 0 && attempt.state != AttemptState::crashed) text += ", wrote nothing";
  }
  return text + ", started " + attempt.started_at + " <==\n";
}

std::string LogView::event(const LogPiece& piece, const char* what) const {
  const WrittenAttempt& attempt = piece.attempt;
  Json json = Json::object().set("schema_version", 1).set("event", what).set("run_id", run_id_);
  json.set("unit", attempt.unit).set("attempt", attempt.number).set("state", word_of(attempt.state));
  json.set("started_at", attempt.started_at).set("cut_off", piece.cut_off);
  const bool ended = attempt.state != AttemptState::running;
  json.set("reason", ended ? Json(attempt.reason) : Json());
  json.set("message", ended ? Json(attempt.message) : Json());
  json.set("output_bytes", ended ? Json(attempt.output_bytes) : Json());
  return json.dump() + "\n";
}

std::string LogView::line(const LogPiece& piece, std::string_view text) const {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (form_ == Form::json)
    return Json::object()
               .set("schema_version", 1)
               .set("event", "line")
               .set("run_id", run_id_)
               .set("unit", piece.attempt.unit)
               .set("attempt", piece.attempt.number)
               .set("text", to_utf8(text))
               .dump() +
           "\n";
  return (lead_ ? printable(piece.attempt.unit) + "| " : "") + safe(text) + "\n";
}

/// Whole lines; what follows the last of them is held, or shown at once where one attempt has the screen.
std::string LogView::lines(const LogPiece& piece, std::string& held) {
  held += piece.bytes;
  std::string text;
  std::size_t from = 0;
  for (auto end = held.find('\n'); end != std::string::npos; end = held.find('\n', from)) {
    text += line(piece, std::string_view(held).substr(from, end - from));
    from = end + 1;
    mid_line_ = false;
  }
  held.erase(0, from);
  if (form_ == Form::text && !lead_) {
    std::size_t ready = held.size() - begun_character(held);
    if (ready > 0 && held[ready - 1] == '\r') --ready;
    text += safe(std::string_view(held).substr(0, ready));
    mid_line_ = mid_line_ || ready > 0;
    held.erase(0, ready);
  } else if (held.size() >= longest_held) {
    text += line(piece, held);
    held.clear();
  }
  return text;
}

std::string LogView::shown(const LogPiece& piece) {
  if (form_ == Form::raw) return piece.bytes;
  Shown& open = open_[piece.attempt.id];
  switch (piece.kind) {
    case LogPiece::Kind::begins:
      open.live = piece.attempt.state == AttemptState::running && !piece.cut_off;
      return form_ == Form::json ? event(piece, "begins") : headline(piece);
    case LogPiece::Kind::output:
      return lines(piece, open.held);
    case LogPiece::Kind::ends:
      break;
  }
  std::string text;
  if (mid_line_)
    text = safe(open.held) + "\n";
  else if (!open.held.empty())
    text = line(piece, open.held);
  mid_line_ = false;
  const bool news = open.live && piece.attempt.state != AttemptState::running;
  open_.erase(piece.attempt.id);
  if (form_ == Form::json) return text + event(piece, "ends");
  return news ? text + headline(piece) : text;
}

}  // namespace jobrun
