// Text from parts: fmt's core, built once into jobrun (Debian ships no static libfmt).
#pragma once

#include <fmt/core.h>
