#include "base/text.hpp"

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace jobrun {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t kLongest = 3650 * kUnits[0].milliseconds;

Error fault(std::string_view text, std::string_view why) {
  return usage_error(in_quotes(text) + " " + std::string(why));
}

/// The parts of `span` that are not zero, largest unit first: {"1h", "30m"}. None for a zero span.
std::vector<std::string> parts_of(Span span) {
  // Unsigned, so that the most negative span has a magnitude too.
  auto left = static_cast<std::uint64_t>(span.count());
  if (span < 0ms) left = 0 - left;
  std::vector<std::string> parts;
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.milliseconds);
    if (left >= size) parts.push_back(std::to_string(left / size) + std::string(unit.name));
    left %= size;
  }
  return parts;
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_hex(std::string& out, unsigned char byte) {
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 0x0f];
}

const std::uint8_t* octets(std::string_view bytes) {
  // nettle hands the pointer to memcpy, which must not see null even for no bytes at all.
  return reinterpret_cast<const std::uint8_t*>(bytes.empty() ? "" : bytes.data());
}

/// What stands at the front of some bytes, by Unicode 15 table 3-7 (well-formed UTF-8 byte sequences).
struct Sequence {
  std::size_t length;  // for an invalid one: its maximal subpart, which becomes one U+FFFD (Unicode 15, 3.9)
  char32_t code;
  bool valid;
};

Sequence first_sequence(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {1, lead, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, 0, false};  // a lone tail, an overlong form, beyond U+10FFFF
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    // The second byte alone decides about overlong forms, surrogates and the end of Unicode.
    const unsigned char low = i > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = i > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (i >= bytes.size() || at(i) < low || at(i) > high) return {i, 0, false};
    code = (code << 6) | (at(i) & 0x3f);
  }
  return {length, code, true};
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

/// Characters that move the cursor, start an escape sequence, or change the order in which a line reads.
bool is_unsafe_to_show(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;       // C0, DEL, C1
  if (code == 0x200e || code == 0x200f || code == 0x061c) return true;  // LRM, RLM, ALM
  if (code == 0x2028 || code == 0x2029) return true;                    // line and paragraph separator
  return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);  // UAX #9
}

void append_as_text(std::string& out, char32_t code) {
  if (code == '\n') {
    out += "\\n";
  } else if (code == '\r') {
    out += "\\r";
  } else if (code == '\t') {
    out += "\\t";
  } else if (code < 0x80) {
    out += "\\x";
    append_hex(out, static_cast<unsigned char>(code));
  } else {
    out += "<U+";
    for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789ABCDEF"[(code >> shift) & 0x0f];
    out += '>';
  }
}

/// Edits (insert, delete, replace, swap neighbours) from `a` to `b`: optimal string alignment distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_up(b.size() + 1), up(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_up.swap(up);
    up.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = up[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({up[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_up[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

Result<Span> parse_duration(std::string_view text) {
  constexpr std::string_view form = "is not a duration (write 90s, 10m, 6h or 2d)";
  std::string_view rest = text;
  std::int64_t total = 0;
  std::size_t next_unit = 0;  // "1h30m" descends; "1h1h" and "30m1h" are slips of the pen
  if (rest.empty()) return fault(text, form);
  bool too_long = false;
  while (!rest.empty()) {
    const auto digits =
        static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
    if (digits == 0) return fault(text, form);
    const auto count = parse_integer(rest.substr(0, digits), 0, kLongest);
    rest.remove_prefix(digits);
    const auto letters =
        static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_digit) - rest.begin());
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return fault(text, form);
    const Unit& unit = kUnits[next_unit++];
    if (!count || *count > (kLongest - total) / unit.milliseconds) {
      too_long = true;  // but a fault of form further on is the better message
    } else {
      total += *count * unit.milliseconds;
    }
  }
  if (too_long) return fault(text, "is longer than 3650d");
  return Span{total};
}

std::string format_duration(Span span) {
  if (span == 0ms) return "0s";
  std::string out = span < 0ms ? "-" : "";
  out += join(parts_of(span), "");
  return out;
}

std::string format_age(Span span) {
  const std::string sign = span < 0ms ? "-" : "";
  if (span > -1s && span < 1s) return sign + std::to_string(span < 0ms ? -span.count() : span.count()) + "ms";
  // The second part is the next smaller unit or nothing: "2d" and not "2d 3s", which says more than anyone
  // asked.
  const Span magnitude{span.count() < 0 ? -(span.count() + 1) + 1 : span.count()};
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const std::int64_t whole = magnitude.count() / kUnits[i].milliseconds;
    if (whole == 0) continue;
    std::string out = sign + std::to_string(whole) + std::string(kUnits[i].name);
    const std::int64_t left = magnitude.count() % kUnits[i].milliseconds / kUnits[i + 1].milliseconds;
    if (left > 0 && kUnits[i + 1].name != "ms") {
      out += ' ' + std::to_string(left) + std::string(kUnits[i + 1].name);
    }
    return out;
  }
  return "0ms";
}

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc{} || stopped != end || value < low || value > high) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t border = text.find(separator);
    parts.push_back(text.substr(0, border));
    if (border == std::string_view::npos) return parts;
    text.remove_prefix(border + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> words_in(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::string_view rest = trim(text); !rest.empty();) {
    const auto end = std::min(rest.find_first_of(" \t"), rest.size());
    words.push_back(rest.substr(0, end));
    rest = trim(rest.substr(end));
  }
  return words;
}

std::string lower_case(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty()) return std::nullopt;
  std::size_t limit = std::max<std::size_t>(1, word.size() / 3) + 1;  // what the next candidate has to beat
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    const std::size_t apart =
        candidate.size() > word.size() ? candidate.size() - word.size() : word.size() - candidate.size();
    if (apart >= limit) continue;  // a distance is never less than that
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= limit) continue;
    limit = distance;
    best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string sha256_hex(std::string_view bytes) {
  sha256_ctx context;
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_init(&context);
  sha256_update(&context, bytes.size(), octets(bytes));
  sha256_digest(&context, digest.size(), digest.data());
  std::string hex;
  hex.reserve(2 * digest.size());
  for (std::uint8_t byte : digest) append_hex(hex, byte);
  return hex;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  hmac_sha256_ctx context;
  std::string digest(SHA256_DIGEST_SIZE, '\0');
  hmac_sha256_set_key(&context, key.size(), octets(key));
  hmac_sha256_update(&context, bytes.size(), octets(bytes));
  hmac_sha256_digest(&context, digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

std::string base64_encode(std::string_view bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_raw(text.data(), bytes.size(), octets(bytes));
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  // nettle skips white space; RFC 4648 3.3 wants what is not in the alphabet refused.
  if (text.find_first_of(" \t\r\n\v\f") != std::string_view::npos) return std::nullopt;
  base64_decode_ctx context;
  base64_decode_init(&context);
  std::string bytes(BASE64_DECODE_LENGTH(text.size()), '\0');
  std::size_t length = bytes.size();
  const bool decoded = base64_decode_update(&context, &length, reinterpret_cast<std::uint8_t*>(bytes.data()),
                                            text.size(), reinterpret_cast<const char*>(octets(text))) == 1;
  if (!decoded || base64_decode_final(&context) != 1) return std::nullopt;
  bytes.resize(length);
  return bytes;
}

std::string uuid_v5(std::string_view name) {
  // 826b7dd3-25a8-453f-be8c-2d59221a9da9: drawn once; another one would rename every attempt in other
  // systems.
  constexpr std::array<std::uint8_t, 16> name_space{0x82, 0x6b, 0x7d, 0xd3, 0x25, 0xa8, 0x45, 0x3f,
                                                    0xbe, 0x8c, 0x2d, 0x59, 0x22, 0x1a, 0x9d, 0xa9};
  sha1_ctx context;
  std::array<std::uint8_t, 16> id{};  // RFC 9562 5.5: the first 128 bits of the SHA-1
  sha1_init(&context);
  sha1_update(&context, name_space.size(), name_space.data());
  sha1_update(&context, name.size(), octets(name));
  sha1_digest(&context, id.size(), id.data());
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x50);  // version 5
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);  // variant 10
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    append_hex(out, id[i]);
  }
  return out;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Sequence next = first_sequence(bytes);
    if (!next.valid) return false;
    bytes.remove_prefix(next.length);
  }
  return true;
}

std::string to_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Sequence next = first_sequence(bytes);
    out += next.valid ? bytes.substr(0, next.length) : kReplacement;
    bytes.remove_prefix(next.length);
  }
  return out;
}

std::string printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Sequence next = first_sequence(bytes);
    if (!next.valid) {
      out += kReplacement;
    } else if (is_unsafe_to_show(next.code)) {
      append_as_text(out, next.code);
    } else {
      out += bytes.substr(0, next.length);
    }
    bytes.remove_prefix(next.length);
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  return '"' + printable(clip(text, 64)) + '"';
}

std::string clip(std::string_view text, std::size_t limit) {
  constexpr std::string_view dots = "...";
  if (text.size() <= limit) return std::string(text);
  if (limit <= dots.size()) return std::string(dots.substr(0, limit));
  std::size_t end = limit - dots.size();
  // Back to where a character begins: at most three tail bytes, fewer where the text is not UTF-8 anyway.
  for (int tails = 0; tails < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80;
       ++tails) {
    --end;
  }
  return std::string(text.substr(0, end)) += dots;
}

}  // namespace jobrun
