// What is asked of a request before it is sent, and how much of an address may be told.
// Pure; sends nothing (handler/http).
#pragma once

#include <string>
#include <string_view>

#include "contract/native_job.hpp"

namespace jobrun {

bool has_control(std::string_view text);
/// Why a request is not even tried; empty where it is sound.
std::string fault_of(const HttpRequest& request);
/// scheme://host:port/path of a URL: what may be told, without user, password and query.
std::string place_of(std::string_view url);
/// scheme://host:port: for addresses that are secrets themselves.
std::string origin_of(std::string_view url);

}  // namespace jobrun
