#include "base/text.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace jobrun;
using namespace std::chrono_literals;
using std::chrono::days;

namespace {

std::string why_not_duration(std::string_view text) {
  const auto span = parse_duration(text);
  if (span) return "accepted";
  CHECK(span.error().fault() == Fault::usage);
  return span.error().what();
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 0x0f];
  }
  return out;
}

}  // namespace

TEST_CASE("durations are numbers with a unit") {
  CHECK(*parse_duration("90s") == 90s);
  CHECK(*parse_duration("10m") == 10min);
  CHECK(*parse_duration("6h") == 6h);
  CHECK(*parse_duration("2d") == days{2});
  CHECK(*parse_duration("250ms") == 250ms);
  CHECK(*parse_duration("0s") == 0ms);
  CHECK(*parse_duration("3650d") == days{3650});
  CHECK(*parse_duration("007s") == 7s);
}

TEST_CASE("durations may be sums of falling units") {
  CHECK(*parse_duration("1h30m") == 90min);
  CHECK(*parse_duration("1s500ms") == 1500ms);
  CHECK(*parse_duration("1d2h3m4s5ms") == days{1} + 2h + 3min + 4s + 5ms);
  CHECK(*parse_duration("1h90m") == 150min);
}

TEST_CASE("a text that is no duration is refused with examples of one") {
  CHECK(why_not_duration("6 hours") == "\"6 hours\" is not a duration (write 90s, 10m, 6h or 2d)");
  for (const char* text : {"",     " ",   "6",      "0",    "h",         "6H",   "6 h",   " 6h",
                           "6h ",  "-6h", "+6h",    "1.5s", "1,5s",      "1h1h", "30m1h", "1ms1s",
                           "1h30", "1w",  "6hours", "1e3s", "\xd9\xa3h", "PT6H", "1h-30m"}) {
    INFO(text);
    CHECK(why_not_duration(text).find("is not a duration (write 90s") != std::string::npos);
  }
  CHECK(why_not_duration(std::string_view("6h\0", 3)) ==
        "\"6h\\x00\" is not a duration (write 90s, 10m, 6h or 2d)");
}

TEST_CASE("a duration over ten years, or over any number, is called too long") {
  for (const char* text : {"3651d", "3650d1ms", "87601h", "99999999999999999999999d", "9223372036854775807ms",
                           "9223372036854775808ms", "18446744073709551617s", "3650d24h"}) {
    INFO(text);
    CHECK(why_not_duration(text).find("is longer than 3650d") != std::string::npos);
  }
}

TEST_CASE("a message about a duration shows a short, harmless copy of what was written") {
  const std::string what = why_not_duration("\x1b]0;" + std::string(1000, 'x'));
  CHECK(what.size() < 150);
  CHECK(what.find('\x1b') == std::string::npos);
  CHECK(what.find("...\"") != std::string::npos);
}

TEST_CASE("a duration is written in the form in which it can be read") {
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(6h) == "6h");
  CHECK(format_duration(90min) == "1h30m");
  CHECK(format_duration(1500ms) == "1s500ms");
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(36h) == "1d12h");
  CHECK(format_duration(days{3650}) == "3650d");
  for (Span span : {Span{1}, Span{999}, Span{61'001}, Span{86'399'999}, Span{90'061'001}}) {
    CHECK(*parse_duration(format_duration(span)) == span);
  }
}

TEST_CASE("a span that runs backwards is written with a sign, down to the last one") {
  CHECK(format_duration(-90s) == "-1m30s");
  CHECK(format_duration(Span::min()) == "-106751991167d7h12m55s808ms");
  CHECK(format_age(-90s) == "-1m 30s");
}

TEST_CASE("an age for people has two parts at the most") {
  CHECK(format_age(0ms) == "0ms");
  CHECK(format_age(120ms) == "120ms");
  CHECK(format_age(45s) == "45s");
  CHECK(format_age(1999ms) == "1s");
  CHECK(format_age(90s) == "1m 30s");
  CHECK(format_age(3h + 12min + 59s) == "3h 12m");
  CHECK(format_age(3h) == "3h");
  CHECK(format_age(3h + 59s) == "3h");
  CHECK(format_age(days{2} + 4h + 59min) == "2d 4h");
  CHECK(format_age(days{400}) == "400d");
}

TEST_CASE("an integer is the whole text and within its limits") {
  CHECK(parse_integer("42", 0, 100) == 42);
  CHECK(parse_integer("-5", -10, 10) == -5);
  CHECK(parse_integer("100", 1, 100) == 100);
  CHECK(parse_integer("007", 0, 100) == 7);
  CHECK(parse_integer("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()) ==
        std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "-", "+5", " 5", "5 ", "5x", "0x5", "5.0", "1e1", "101", "-1",
                           "9223372036854775808", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_integer(text, 0, 100));
  }
}

TEST_CASE("splitting keeps empty parts, and joining undoes it") {
  using Parts = std::vector<std::string_view>;
  CHECK(split("a,b,c", ',') == Parts{"a", "b", "c"});
  CHECK(split("", ',') == Parts{""});
  CHECK(split(",", ',') == Parts{"", ""});
  CHECK(split("a,,b", ',') == Parts{"a", "", "b"});
  CHECK(join({"a", "", "b"}, ",") == "a,,b");
  CHECK(join({}, ",").empty());
  CHECK(join({"one"}, ", ") == "one");
}

TEST_CASE("trimming takes blanks from both ends and none from the middle") {
  CHECK(trim("  a b\t\r\n") == "a b");
  CHECK(trim("a") == "a");
  CHECK(trim(" \n ").empty());
  CHECK(trim("").empty());
}

TEST_CASE("a typing error finds the word that was meant") {
  const std::vector<std::string> verbs{"status", "show", "history", "pause", "resume", "run"};
  CHECK(nearest("staus", verbs) == "status");
  CHECK(nearest("sattus", verbs) == "status");
  CHECK(nearest("shwo", verbs) == "show");
  CHECK(nearest("hisotry", verbs) == "history");
  CHECK(nearest("pausee", verbs) == "pause");
  CHECK(nearest("rum", verbs) == "run");
  CHECK(nearest("status", verbs) == "status");
}

TEST_CASE("a word that is no typing error finds nothing") {
  const std::vector<std::string> verbs{"status", "show", "history"};
  CHECK_FALSE(nearest("invoice", verbs));
  CHECK_FALSE(nearest("shelf", verbs));
  CHECK_FALSE(nearest("", verbs));
  CHECK_FALSE(nearest("status", {}));
  CHECK_FALSE(nearest(std::string(10'000, 's'), verbs));
}

TEST_CASE("of two equally near words the first is suggested") {
  CHECK(nearest("cat", {"bat", "rat"}) == "bat");
  CHECK(nearest("cat", {"bat", "cat"}) == "cat");
}

TEST_CASE("SHA-256 gives the values of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(sha256_hex(std::string_view("\0", 1)) ==
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST_CASE("HMAC-SHA-256 gives the values of RFC 4231") {
  CHECK(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(
      hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")) ==
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hex(hmac_sha256("", "")) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("base64 gives the values of RFC 4648") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {std::string("\0\xff\xfe", 3), "AP/+"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
  }
  const std::string long_bytes(100'001, '\x80');
  CHECK(base64_decode(base64_encode(long_bytes)) == long_bytes);
}

TEST_CASE("text that is not exactly base64 is refused") {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "=", "Z", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v!", "Zh==", "Zm9v-_", "Zg==Zg=="}) {
    INFO(text);
    CHECK_FALSE(base64_decode(text));
  }
}

TEST_CASE("the same name always has the same UUID of version 5") {
  CHECK(uuid_v5("invoice_sync:2026-04-12/-#1") == uuid_v5("invoice_sync:2026-04-12/-#1"));
  CHECK(uuid_v5("a") != uuid_v5("b"));
  // Kept for ever: other systems know attempts by these.
  CHECK(uuid_v5("invoice_sync:2026-04-12/-#1") == "7118cfb8-8acb-5ed1-96f2-02152236f48d");
  CHECK(uuid_v5("") == "f1512be3-bbc6-50b1-814f-9d8508a19078");
}

TEST_CASE("UTF-8 is what RFC 3629 says and nothing more") {
  for (std::string_view good : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x9a\x80",
                                "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbb\xbf"}) {
    CHECK(is_utf8(good));
    CHECK(to_utf8(good) == good);
  }
  for (std::string_view bad : {"\x80", "\xc3", "\xc3(", "\xe2\x82", "\xf0\x9f\x9a", "\xfe", "\xff"})
    CHECK_FALSE(is_utf8(bad));
  CHECK_FALSE(is_utf8("\xc0\xaf"));          // overlong "/"
  CHECK_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong "/"
  CHECK_FALSE(is_utf8("\xf0\x80\x80\xaf"));  // overlong "/"
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // a surrogate, U+D800
  CHECK_FALSE(is_utf8("\xed\xbf\xbf"));      // a surrogate, U+DFFF
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // U+110000
  CHECK_FALSE(is_utf8("\xf5\x80\x80\x80"));
}

TEST_CASE("invalid bytes become U+FFFD and what stands around them is kept") {
  CHECK(to_utf8("a\xff"
                "b") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(to_utf8("\xe2\x82") == "\xef\xbf\xbd");
  CHECK(to_utf8("\xe2\x82x") == "\xef\xbf\xbdx");
  CHECK(to_utf8("\xf0\x9f\x9a\xc3\xbc") == "\xef\xbf\xbd\xc3\xbc");
  // Unicode 15, table 3-8: each maximal subpart becomes one.
  CHECK(to_utf8("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(to_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("text is shown on one line, with control characters as text") {
  CHECK(printable("plain gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80") ==
        "plain gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80");
  CHECK(printable("a\nb\rc\td") == "a\\nb\\rc\\td");
  CHECK(printable("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m");
  CHECK(printable(std::string_view("\0\x07\x7f", 3)) == "\\x00\\x07\\x7f");
  CHECK(printable("C:\\new") == "C:\\new");
}

TEST_CASE("C1 controls can not start an escape sequence") {
  CHECK(printable("\xc2\x9b"
                  "31m") == "<U+009B>31m");
  CHECK(printable("\xc2\x80\xc2\x9f\xc2\xa0") == "<U+0080><U+009F>\xc2\xa0");
  CHECK(printable("\x9b"
                  "31m") ==
        "\xef\xbf\xbd"
        "31m");
}

TEST_CASE("text can not change the order in which a line reads") {
  CHECK(printable("\xe2\x80\xae"
                  "gpj.exe") == "<U+202E>gpj.exe");
  CHECK(printable("\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9") == "<U+202A><U+2066><U+2069>");
  CHECK(printable("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c") == "<U+200E><U+200F><U+061C>");
  CHECK(printable("\xe2\x80\xa8\xe2\x80\xa9") == "<U+2028><U+2029>");
  // Neighbours that do no harm: a zero-width joiner, a hyphen, Hebrew and Arabic letters.
  for (std::string_view fine : {"\xe2\x80\x8d", "\xe2\x80\x90", "\xd7\xa9\xd7\x9c", "\xd8\xb3"})
    CHECK(printable(fine) == fine);
}

TEST_CASE("a cut text ends in dots, stays within its limit and is cut between characters") {
  CHECK(clip("short", 5) == "short");
  CHECK(clip("longer", 5) == "lo...");
  CHECK(clip("longer", 3) == "...");
  CHECK(clip("longer", 2) == "..");
  CHECK(clip("longer", 0).empty());
  CHECK(clip("", 0).empty());
  CHECK(clip("\xc3\xbc\xc3\xbc\xc3\xbc", 6) == "\xc3\xbc\xc3\xbc\xc3\xbc");
  CHECK(clip("\xc3\xbc\xc3\xbc\xc3\xbc", 5) == "\xc3\xbc...");
  CHECK(clip("a\xf0\x9f\x9a\x80xx", 6) == "a...");
  for (std::size_t limit = 0; limit < 20; ++limit) {
    const std::string cut =
        clip("\xf0\x9f\x9a\x80\xe2\x82\xac\xc3\xbc\xf0\x9f\x9a\x80\xe2\x82\xac\xc3\xbc", limit);
    CHECK(cut.size() <= limit);
    CHECK(is_utf8(cut));
  }
  CHECK(clip(std::string(100, '\x80'), 10).size() <= 10);
}
