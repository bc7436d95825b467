#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/shared_bytes.h"

namespace graphrt {

/// XXH3, 64 bits: finds accidental damage, is no protection against intent. The same on every
/// machine, for ever.
uint64_t checksum(std::span<const std::byte> bytes);
/// Of the parts, one after the other.
uint64_t checksum_of_parts(std::span<const SharedBytes> parts);

/// The checksum of a text as 16 hex digits.
std::string fingerprint_hex(std::string_view text);

}  // namespace graphrt
