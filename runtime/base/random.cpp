#include "runtime/base/random.h"

#include <cmath>
#include <numbers>

#include "runtime/base/file.h"
#include "runtime/base/fingerprint.h"

namespace graphrt {
namespace {

constexpr int kNumRounds = 10;
constexpr uint64_t kMultiplier0 = 0xD2511F53;
constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;

constexpr uint32_t low_half(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t high_half(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

/// In [0, 1), from the 53 upper bits of 64.
double unit_interval(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < kNumRounds; ++round) {
    const uint64_t product0 = kMultiplier0 * counter[0];
    const uint64_t product1 = kMultiplier1 * counter[2];
    counter = {high_half(product1) ^ counter[1] ^ key[0], low_half(product1),
               high_half(product0) ^ counter[3] ^ key[1], low_half(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

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
