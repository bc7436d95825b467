#include "runtime/base/random.h"

#include <cmath>
#include <numbers>

#include "runtime/base/file.h"
#include "runtime/base/fingerprint.h"
#include "runtime/base/philox.h"

namespace graphrt {
namespace {

constexpr uint32_t low_half(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t high_half(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

/// In [0, 1), from the 53 upper bits of 64.
double unit_interval(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

RandomStream::RandomStream(uint64_t seed, std::string_view name)
    : key_{low_half(seed), high_half(seed)}, name_hash_(checksum(bytes_of(name))) {}

std::array<uint32_t, 4> RandomStream::block(uint64_t index) const {
  return philox4x32(
      {low_half(index), high_half(index), low_half(name_hash_), high_half(name_hash_)}, key_);
}

double RandomStream::uniform(uint64_t index) const {
  const std::array<uint32_t, 4> bits = block(index);
  return unit_interval(bits[0], bits[1]);
}

double RandomStream::normal(uint64_t index) const {
  const std::array<uint32_t, 4> bits = block(index);
  const double above_zero = 1 - unit_interval(bits[0], bits[1]);
  const double angle = 2 * std::numbers::pi * unit_interval(bits[2], bits[3]);
  return std::sqrt(-2 * std::log(above_zero)) * std::cos(angle);
}

}  // namespace graphrt
