#include "contract/trace.hpp"

#include "base/text.hpp"

namespace jobrun {

namespace {

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::optional<Trace> parse_traceparent(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2), id = text.substr(3, 32), parent = text.substr(36, 16),
                         flags = text.substr(53, 2);
  if (!is_hex(version) || !is_hex(id) || !is_hex(parent) || !is_hex(flags)) return std::nullopt;
  if (version == "ff" || is_zero(id) || is_zero(parent)) return std::nullopt;
  // Later versions may have more behind a dash.
  if (text.size() > 55 && (version == "00" || text[55] != '-')) return std::nullopt;
  const int last = flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10;
  return Trace{std::string(id), std::string(parent), (last & 1) != 0};
}

Trace trace_of(std::string_view callers_traceparent, std::string_view job, std::string_view run_date,
               std::string_view run_id) {
  if (auto given = parse_traceparent(callers_traceparent)) return *given;
  std::string run(job);
  run.append("/").append(run_date).append("/").append(run_id);
  return {sha256_hex(run).substr(0, 32), {}, true};
}

std::string span_id(std::string_view name) {
  return sha256_hex(name).substr(0, 16);
}

std::string traceparent(const Trace& trace, std::string_view parent) {
  std::string text = "00-" + trace.id + "-";
  return text.append(parent).append(trace.sampled ? "-01" : "-00");
}

}  // namespace jobrun
