// The answer of `jobrun check` as a monitor reads it: a status line with figures, more lines, JSON.
// By the Monitoring Plugins Development Guidelines; bounded, and free of what a monitor would misread. Judges
// nothing: run/vigil found the troubles.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "run/vigil.hpp"

namespace jobrun {

/// The codes that a monitor knows, and no others.
enum class CheckStatus { ok, warning, critical, unknown };
std::string_view word_of(CheckStatus status);
CheckStatus status_of(const Vigil& vigil);

/// `job`: the one that was asked for; empty: all.
std::string check_text(const Vigil& vigil, const std::string& job, Instant now);
Json check_json(const Vigil& vigil, const std::string& job, Instant now);
/// Where it could not be found out.
std::string unknown_text(const Error& error);
Json unknown_json(const Error& error);

}  // namespace jobrun
