#include "runtime/base/fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdio>

#include "runtime/base/file.h"

namespace graphrt {

uint64_t checksum(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t checksum_of_parts(std::span<const SharedBytes> parts) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const SharedBytes& part : parts) XXH3_64bits_update(&state, part.data(), part.size());
  return XXH3_64bits_digest(&state);
}

std::string fingerprint_hex(std::string_view text) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx",
                static_cast<unsigned long long>(checksum(bytes_of(text))));
  return digits.data();
}

}  // namespace graphrt
