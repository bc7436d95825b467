#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// Who has which bytes after whom, as plain values: no IR, no schedule.
namespace graphc {

/// Bytes that something takes at a time of every round, until another takes them.
struct ByteUse {
  int64_t begin_bytes = 0;
  int64_t end_bytes = 0;
  int64_t begin_time = 0;  ///< of round 0; that of round r is r periods later
};

/// `to` takes some bytes in round r + rounds that `from` took in round r, and nobody did in
/// between.
struct HandOver {
  size_t from = 0;  ///< index of a use
  size_t to = 0;
  int32_t rounds = 0;
  auto operator<=>(const HandOver&) const = default;
};

/// All hand-overs between different uses, sorted, each once. On every byte they form one circle
/// that comes round once a period, so a relation that is transitive and holds for these holds for
/// all that share a byte.
///
///   bytes          one period              next
///     2..3   [  a  ][   b   ][     c     ] [  a     a->b 0, b->c 0, c->a 1
///     0..1   [  a  ][       d            ] [  a     a->d 0, d->a 1
///
/// Requires: period > 0. Cost: O(n log n).
std::vector<HandOver> find_hand_overs(const std::vector<ByteUse>& uses, int64_t period);

}  // namespace graphc
