#include "runtime/session/row_order.h"

#include <bit>

#include "runtime/base/check.h"
#include "runtime/base/philox.h"

namespace graphrt {
namespace {

constexpr uint32_t low_half(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t high_half(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

constexpr uint64_t low_bits(uint64_t value, int num_bits) {
  return value & ((uint64_t{1} << num_bits) - 1);
}

/// Spreads every bit over all others. Source: Appleby, MurmurHash3, fmix32.
constexpr uint32_t mixed(uint32_t value) {
  value ^= value >> 16;
  value *= 0x85EBCA6B;
  value ^= value >> 13;
  value *= 0xC2B2AE35;
  return value ^ (value >> 16);
}

/// Keeps the numbers of shuffles apart from those of initialisers with the same seed.
constexpr uint32_t kShuffleDomain = 0x73687566;

}  // namespace

RowPermutation::RowPermutation(uint64_t seed, uint64_t epoch, int64_t size)
    : size_(static_cast<uint64_t>(size)) {
  CHECK(size >= 1 && size <= int64_t{1} << 62, "no such permutation");
  const auto num_bits = static_cast<int>(std::bit_width(size_ - 1));
  left_bits_ = num_bits / 2;
  right_bits_ = num_bits - left_bits_;
  for (uint32_t block = 0; block < kNumRounds / 4; ++block) {
    const std::array<uint32_t, 4> numbers =
        philox4x32({low_half(epoch), high_half(epoch), block, kShuffleDomain},
                   {low_half(seed), high_half(seed)});
    for (uint32_t i = 0; i < 4; ++i) round_keys_[block * 4 + i] = numbers[i];
  }
}

int64_t RowPermutation::operator()(int64_t place) const {
  // The network permutes more numbers than there are rows: following its cycle from a row leads to
  // a row again, at the latest to itself.
  uint64_t number = encrypt(static_cast<uint64_t>(place));
  while (number >= size_) number = encrypt(number);
  return static_cast<int64_t>(number);
}

/// Each round changes one part by a function of the other, so it can be undone: a bijection.
uint64_t RowPermutation::encrypt(uint64_t number) const {
  uint64_t left = number >> right_bits_;
  uint64_t right = low_bits(number, right_bits_);
  for (size_t round = 0; round < kNumRounds; round += 2) {
    left = low_bits(left ^ mixed(low_half(right) ^ round_keys_[round]), left_bits_);
    right = low_bits(right ^ mixed(low_half(left) ^ round_keys_[round + 1]), right_bits_);
  }
  return left << right_bits_ | right;
}

RowPosition position_of_step(int64_t step, int64_t batch, int64_t num_rows) {
  // N steps are exactly B epochs; only what is left is multiplied, so nothing overflows but the
  // number of epochs, which no run reaches.
  const int64_t rest = step % num_rows * batch;
  const auto whole_epochs = static_cast<uint64_t>(step / num_rows) * static_cast<uint64_t>(batch);
  return {whole_epochs + static_cast<uint64_t>(rest / num_rows), rest % num_rows};
}

}  // namespace graphrt
