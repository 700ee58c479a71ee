// Words and bytes that every layer speaks: durations, hashes, base64, UTF-8, text made safe to show.
// Everything here is a pure function. Does not format log lines (line.hpp) or JSON (json.hpp).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace jobrun {

// Of ASCII, whatever the locale.
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "90s", "10m", "6h", "2d", "250ms", and sums such as "1h30m". Fault::usage: `"6 hours" is not a duration
/// (write 90s, 10m, 6h or 2d)`. No sign, no fraction, at most 3650d; "0s" is allowed.
Result<Span> parse_duration(std::string_view text);
/// The shortest exact form that parse_duration reads back: "6h", "1h30m", "1.5s" is written "1s500ms".
std::string format_duration(Span span);
/// For people, two parts at the most: "3h 12m", "45s", "2d 4h", "120ms".
std::string format_age(Span span);

/// The whole text as a decimal integer in [low, high], no sign but '-', no blanks.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low, std::int64_t high);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
/// What blanks and tabs separate.
std::vector<std::string_view> words_in(std::string_view text);
/// Of ASCII; other bytes stay.
std::string lower_case(std::string_view text);
bool one_of(std::string_view word, std::initializer_list<std::string_view> words);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// The candidate nearest to `word` by edit distance, if it is near enough to be a typing error.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Lower-case hex of SHA-256 (FIPS 180-4), 64 characters.
std::string sha256_hex(std::string_view bytes);
/// Raw 32 bytes (RFC 2104).
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// RFC 4648 with padding.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);
/// Name-based UUID (RFC 9562, version 5) of `name` in jobrun's own namespace, canonical lower-case form.
std::string uuid_v5(std::string_view name);

bool is_utf8(std::string_view bytes);
/// The same bytes with every invalid sequence replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);
/// One line that is safe on a terminal: control characters, escape sequences and bidi overrides are shown as
/// text
/// (`\n`, `\x1b`, `<U+202E>`), invalid UTF-8 replaced. Nothing else changes.
std::string printable(std::string_view bytes);
/// At most `limit` bytes, cut at a character border, "..." at the end where something was cut.
std::string clip(std::string_view text, std::size_t limit);
/// "\"x\"": somebody's word inside of a message, safe to show, of at most 64 bytes.
std::string in_quotes(std::string_view text);

}  // namespace jobrun
