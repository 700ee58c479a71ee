#include "base/json.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace jobrun;

namespace {

Json parsed(std::string_view text, Json::Comments comments = Json::Comments::refuse) {
  auto json = Json::parse(text, comments);
  INFO(text);
  if (!json) FAIL(json.error().what());
  return *json;
}

std::string why_not(std::string_view text, Json::Comments comments = Json::Comments::refuse) {
  const auto json = Json::parse(text, comments);
  if (json) return "accepted";
  CHECK(json.error().fault() == Fault::usage);
  return json.error().what();
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("every kind of JSON value is read for what it is") {
  const Json json =
      parsed(R"({"n": null, "t": true, "f": false, "i": -42, "d": 0.5, "s": "text", "a": [1, 2], "o": {}})");
  CHECK(json.at("n").is_null());
  CHECK(json.has("n"));
  CHECK(json.at("t").as_bool());
  CHECK(json.at("f").is_bool());
  CHECK_FALSE(json.at("f").as_bool());
  CHECK(json.at("i").as_integer() == -42);
  CHECK(json.at("i").is_number());
  CHECK(json.at("i").as_number() == -42.0);
  CHECK(json.at("d").as_number() == 0.5);
  CHECK_FALSE(json.at("d").is_integer());
  CHECK(json.at("s").as_string() == "text");
  CHECK(json.at("a").items().size() == 2);
  CHECK(json.at("o").is_object());
  CHECK(json.at("missing").is_null());
  CHECK_FALSE(json.has("missing"));
}

TEST_CASE("asking a value for another kind gives a neutral answer") {
  const Json text("12");
  CHECK(text.as_integer() == 0);
  CHECK(text.as_number() == 0);
  CHECK_FALSE(text.as_bool());
  CHECK(text.items().empty());
  CHECK(text.members().empty());
  CHECK(text.at("x").at("y").is_null());
  CHECK_FALSE(Json(1).as_bool());
  CHECK(Json(true).as_integer() == 0);
  CHECK(Json().as_string().empty());
}

TEST_CASE("a value's kind can be named in a sentence") {
  CHECK(Json().kind_phrase() == "null");
  CHECK(Json(true).kind_phrase() == "a boolean");
  CHECK(Json(1).kind_phrase() == "an integer");
  CHECK(Json(1.5).kind_phrase() == "a number");
  CHECK(Json("").kind_phrase() == "a string");
  CHECK(Json::array().kind_phrase() == "an array");
  CHECK(Json::object().kind_phrase() == "an object");
}

TEST_CASE("every value knows the line on which it stands") {
  const Json json = parsed(
      "{\n"                    // 1
      "  \"a\": 1,\n"          // 2
      "  \"b\":\n"             // 3
      "    2\n"                // 4
      "  ,\"c\": [\n"          // 5
      "    10,\n"              // 6
      "\n"                     // 7
      "    11\n"               // 8
      "  ],\n"                 // 9
      "  \"d\": {\n"           // 10
      "    \"e\": \"x\\n\"\n"  // 11
      "  },\n"                 // 12
      "  \"f\": 1.5\r\n"       // 13
      "  , \"g\": null }\n");  // 14
  CHECK(json.line() == 1);
  CHECK(json.at("a").line() == 2);
  CHECK(json.at("b").line() == 4);
  CHECK(json.at("c").line() == 5);
  CHECK(json.at("c").items()[0].line() == 6);
  CHECK(json.at("c").items()[1].line() == 8);
  CHECK(json.at("d").line() == 10);
  CHECK(json.at("d").at("e").line() == 11);
  CHECK(json.at("f").line() == 13);
  CHECK(json.at("g").line() == 14);
  CHECK(parsed("7\n\n").line() == 1);
  CHECK(parsed("\n\n 7").line() == 3);
  CHECK(Json("made in code").line() == 0);
}

TEST_CASE("comments are allowed in files that people write, and lines are counted through them") {
  const char* text =
      "// the job\n"
      "{ /* over\n"
      "     two lines */ \"a\": 1, // one\n"
      "  \"b\": 2/* at once */\n"
      "}\n"
      "// the end\n";
  const Json json = parsed(text, Json::Comments::allow);
  CHECK(json.line() == 2);
  CHECK(json.at("a").line() == 3);
  CHECK(json.at("b").line() == 4);
  CHECK(why_not(text).find("line 1, column 1: syntax error") == 0);
  CHECK(why_not("{} /* never closed", Json::Comments::allow).find("line 1") == 0);
}

TEST_CASE("a syntax error names line and column and stays on one line") {
  const std::string what = why_not("{\n  \"a\": 1,\n  \"b\": }\n}");
  CHECK(
      what ==
      "line 3, column 8: syntax error while parsing value - unexpected '}'; expected '[', '{', or a literal");
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "[1,]",
                           "{\"a\" 1}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "nul",
                           "tru e",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "-",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "\"open",
                           "\"tab\there\"",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"\\udc00\\ud800\"",
                           "[1 2]",
                           "]",
                           "{\"a\":1 \"b\":2}",
                           "\"\n\""}) {
    INFO(text);
    const std::string why = why_not(text);
    CHECK(why.find("line ") == 0);
    CHECK(why.find('\n') == std::string::npos);
    CHECK(why.find("json.exception") == std::string::npos);
  }
}

TEST_CASE("a message about broken JSON stays short and harmless whatever the text was") {
  const std::string what = why_not("\"" + std::string(100'000, 'x') + "\x1b[31m");
  CHECK(what.size() < 500);
  CHECK(what.find('\x1b') == std::string::npos);
}

TEST_CASE("trailing text is refused") {
  for (const char* text : {"{} {}", "1 2", "{}x", "[],", "null\n\nnull"}) {
    INFO(text);
    CHECK(why_not(text).find("line ") == 0);
  }
  CHECK(parsed(" {} \r\n\t ").is_object());
}

TEST_CASE("a NUL byte does not hide what follows it") {
  CHECK(why_not(std::string_view("{}\0 rest", 8)) == "line 1: a NUL byte has no place in JSON");
  CHECK(why_not(std::string_view("{}\n\n// x\0", 9), Json::Comments::allow) ==
        "line 3: a NUL byte has no place in JSON");
  CHECK(parsed("\"\\u0000\"").as_string() == std::string(1, '\0'));
}

TEST_CASE("duplicate members are refused at every depth, on the line of the second") {
  CHECK(why_not("{\n\"a\": 1,\n\"b\": 2,\n\"a\": 3\n}") == "line 4: \"a\" is there twice");
  CHECK(why_not("[{\"x\": {\"k\": 1,\n \"k\": 1}}]") == "line 2: \"k\" is there twice");
  CHECK(why_not("{\"a\": 1, \"\\u0061\": 1}") == "line 1: \"a\" is there twice");
  CHECK(why_not("{\"\\u001b\": 1, \"\\u001b\": 1}") == "line 1: \"\\x1b\" is there twice");
  CHECK(parsed("{\"a\": {\"a\": 1}, \"A\": 2}").members().size() == 2);
}

TEST_CASE("integers are exact over all of 64 bits and refused beyond") {
  CHECK(parsed("9223372036854775807").as_integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(parsed("-9223372036854775808").as_integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(parsed("-0").as_integer() == 0);
  CHECK(why_not("[\n9223372036854775808]") == "line 2: 9223372036854775808 is beyond 64 bits");
  CHECK(why_not("18446744073709551616") == "line 1: 18446744073709551616 is beyond 64 bits");
  CHECK(why_not("-9223372036854775809") == "line 1: -9223372036854775809 is beyond 64 bits");
  CHECK(why_not("{\"a\":\n1e999}").find("line 2: number overflow") == 0);
  CHECK(why_not(std::string(5000, '9')).size() < 300);
}

TEST_CASE("numbers with a fraction or an exponent are doubles") {
  CHECK(parsed("1.0").kind() == Json::Kind::number);
  CHECK(parsed("1e2").as_number() == 100.0);
  CHECK(parsed("9223372036854775808.0").as_number() == 9223372036854775808.0);
  CHECK(parsed("-2.5E-3").as_number() == -0.0025);
}

TEST_CASE("nesting is accepted to a depth of 100 and refused beyond, however deep") {
  CHECK(parsed(nested(100)).is_array());
  CHECK(why_not(nested(101)) == "line 1: the nesting is deeper than 100 levels");
  CHECK(why_not(std::string(1'000'000, '[')) == "line 1: the nesting is deeper than 100 levels");
  std::string objects;
  for (int i = 0; i < 101; ++i) objects += "{\"a\":\n";
  CHECK(why_not(objects) == "line 101: the nesting is deeper than 100 levels");
}

TEST_CASE("text that is not UTF-8 is refused") {
  for (const char* text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\""}) {
    CHECK(why_not(text).find("line 1") == 0);
  }
  CHECK(parsed("\"gr\xc3\xbc\xc3\x9f \\ud83d\\ude80\"").as_string() == "gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80");
}

TEST_CASE("JSON is written compactly, with members in the order in which they came") {
  const char* text = R"({"z":1,"a":[true,false,null,-5,2.5,"x"],"m":{"k":{},"l":[]}})";
  CHECK(parsed(text).dump() == text);
  CHECK(Json::object().set("b", 1).set("a", "x").set("b", 2).dump() == R"({"b":2,"a":"x"})");
  CHECK(Json().push(1).push("two").push(Json::array()).dump() == R"([1,"two",[]])");
  CHECK(Json().dump() == "null");
}

TEST_CASE("JSON for people is indented by two") {
  CHECK(parsed(R"({"a":[1,{"b":2}],"e":[],"o":{}})").pretty() ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"e\": [],\n  \"o\": {}\n}");
  CHECK(Json("x").pretty() == "\"x\"");
}

TEST_CASE("strings are escaped as RFC 8259 asks and come back the same") {
  CHECK(Json("a\"b\\c\n\r\t\b\f\x01\x1f/\x7f").dump() == "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f/\x7f\"");
  CHECK(Json(std::string(1, '\0')).dump() == "\"\\u0000\"");
  CHECK(Json::object().set("k\n", 1).dump() == "{\"k\\n\":1}");
  std::string every;
  for (char c = 0; c < 0x7f; ++c) every += c;
  every += "\xc3\xbc \xe2\x80\xa8 \xf0\x9f\x9a\x80";
  CHECK(parsed(Json(every).dump()).as_string() == every);
}

TEST_CASE("writing never fails: bytes that are not UTF-8 become U+FFFD") {
  CHECK(Json("a\xff").dump() == "\"a\xef\xbf\xbd\"");
  CHECK(Json::object().set("\xc3", "\xed\xa0\x80").dump() ==
        "{\"\xef\xbf\xbd\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
}

TEST_CASE("doubles are written as short as they can be and come back exactly") {
  CHECK(Json(0.1).dump() == "0.1");
  CHECK(Json(1.0).dump() == "1.0");
  CHECK(Json(-0.0).dump() == "-0.0");
  CHECK(Json(1e300).dump() == "1e+300");
  CHECK(Json(std::nan("")).dump() == "null");
  CHECK(Json(-std::numeric_limits<double>::infinity()).dump() == "null");
  for (double number :
       {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.123, 9007199254740993.0, 1e22, 1e23}) {
    const Json back = parsed(Json(number).dump());
    CHECK(back.kind() == Json::Kind::number);
    CHECK(back.as_number() == number);
  }
}

TEST_CASE("equal values have one canonical text, whatever the order of their members") {
  const Json one = parsed(R"({"b": {"y": 1, "x": [2, {"q": 1, "p": 2}]}, "a": null})");
  const Json two = parsed("{\"a\":null,\n\"b\":{\"x\":[2,{\"p\":2,\"q\":1}],\"y\":1.0}}");
  CHECK(one == two);
  CHECK(one.canonical() == R"({"a":null,"b":{"x":[2,{"p":2,"q":1}],"y":1}})");
  CHECK(two.canonical() == one.canonical());
  CHECK(Json(-0.0).canonical() == Json(0).canonical());
  CHECK(Json(1e18).canonical() == "1000000000000000000");
  CHECK(Json(1e19).canonical() == "1e+19");
  CHECK(Json(0.5).canonical() == "0.5");
}

TEST_CASE("values are equal when they mean the same, and only then") {
  CHECK(Json(1) == Json(1.0));
  CHECK(Json(0.0) == Json(-0.0));
  CHECK_FALSE(Json(std::numeric_limits<std::int64_t>::max()) == Json(0x1p63));
  CHECK_FALSE(Json(std::int64_t{9007199254740993}) == Json(9007199254740992.0));
  CHECK_FALSE(Json(1) == Json("1"));
  CHECK_FALSE(Json(1) == Json(true));
  CHECK_FALSE(Json() == Json(false));
  CHECK_FALSE(Json::array() == Json::object());
  CHECK_FALSE(parsed("[1,2]") == parsed("[2,1]"));
  CHECK_FALSE(parsed("[1]") == parsed("[1,1]"));
  CHECK_FALSE(parsed("{\"a\":1}") == parsed("{\"a\":2}"));
  CHECK_FALSE(parsed("{\"a\":1}") == parsed("{\"b\":1}"));
  CHECK_FALSE(parsed("{\"a\":null}") == parsed("{}"));
  CHECK(parsed("[null,\"x\",true]") == parsed("[null,\n\"x\",\ntrue]"));
}

TEST_CASE("a unit's config replaces and extends the job's, one level deep") {
  const Json job = parsed(R"({"api": "a", "limits": {"x": 1, "y": 2}})");
  const Json unit = parsed(R"({"limits": {"x": 9}, "region": "eu"})");
  CHECK(job.merged_with(unit).dump() == R"({"api":"a","limits":{"x":9},"region":"eu"})");
  CHECK(job.merged_with(Json()) == job);
  CHECK(Json().merged_with(unit) == unit);
  CHECK(job.merged_with(Json::object()) == job);
}

TEST_CASE("large documents take time in proportion to their size") {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i) text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",\n";
  text += "\"end\":0}";
  const Json json = parsed(text);
  CHECK(json.members().size() == 50'001);
  CHECK(json.at("end").line() == 50'001);
  CHECK(json == parsed(json.canonical()));
}
