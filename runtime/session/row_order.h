#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace graphrt {

/// A shuffle of 0 .. size - 1 that needs no memory: any place of it can be asked for at any time.
///
/// The shuffle depends on the seed, the epoch and the size alone, on every machine.
/// Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002: a Feistel
///         network over the least power of two that holds all numbers, walked until it gives one
///         of them. The keys of its rounds are Philox numbers.
class RowPermutation {
 public:
  /// Requires: 1 <= size <= 2^62.
  RowPermutation(uint64_t seed, uint64_t epoch, int64_t size);

  /// The number at this place. Requires: 0 <= place < size.
  /// Cost: fewer than two walks through the network on average; allocates nothing.
  int64_t operator()(int64_t place) const;

 private:
  static constexpr int kNumRounds = 8;

  uint64_t encrypt(uint64_t number) const;

  uint64_t size_;
  int left_bits_;
  int right_bits_;
  std::array<uint32_t, kNumRounds> round_keys_{};
};

/// In which order the steps go through the rows of all feeds: as they stand, or shuffled anew in
/// every epoch. One order serves all feeds of a plan, so what belongs together stays together.
class RowOrder {
 public:
  /// As they stand.
  RowOrder() = default;
  static RowOrder shuffled(uint64_t seed) { return RowOrder(seed); }

  /// Absent: the rows are not shuffled.
  const std::optional<uint64_t>& seed() const { return seed_; }
  bool operator==(const RowOrder&) const = default;

 private:
  explicit RowOrder(uint64_t seed) : seed_(seed) {}
  std::optional<uint64_t> seed_;
};

/// A place in the endless sequence of rows that the steps go through: epoch after epoch.
struct RowPosition {
  uint64_t epoch = 0;
  int64_t place = 0;  ///< in the epoch's order, from 0 on
};

/// Where the batch of a step starts. The arithmetic is exact for every step.
/// Requires: step >= 0; num_rows, batch > 0, and their product fits into 63 bits.
RowPosition position_of_step(int64_t step, int64_t batch, int64_t num_rows);

}  // namespace graphrt
