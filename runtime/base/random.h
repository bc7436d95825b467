#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace graphrt {

/// Random numbers without a state: the i-th number depends on the seed, the stream's name and i,
/// on nothing else, so any part of a tensor can be made anywhere, in any order.
class RandomStream {
 public:
  RandomStream(uint64_t seed, std::string_view name);

  /// Uniform in [0, 1), 53 random bits.
  double uniform(uint64_t index) const;
  /// Normal with mean 0 and variance 1 (Box-Muller).
  double normal(uint64_t index) const;

 private:
  std::array<uint32_t, 4> block(uint64_t index) const;

  std::array<uint32_t, 2> key_;
  uint64_t name_hash_;
};

}  // namespace graphrt
