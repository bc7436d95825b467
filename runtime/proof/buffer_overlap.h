#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// Half-open range of bytes in an arena.
struct ByteRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

/// The same rows of every version of a buffer.
struct BufferRegion {
  ArenaId arena;
  int64_t offset_bytes = 0;  ///< of the rows in the first version
  int64_t size_bytes = 0;
  int64_t stride_bytes = 0;
  int32_t versions = 1;
};
/// All rows where `rows` is absent.
BufferRegion region_of(const PlanBuffer& buffer, const std::optional<RowRange>& rows = {});

/// The bytes of one version.
ByteRange version_bytes(const BufferRegion& region, int64_t version);
/// From the first byte of the first version to the last byte of the last one.
ByteRange all_bytes(const BufferRegion& region);

/// Which versions of two buffers, or of rows of them, have bytes in common.
///
/// Two instructions meet in version i of the one and version j of the other in some interval iff
/// their distance in intervals fits j - i modulo the greatest common divisor of the numbers of
/// versions (Chinese remainder theorem), so those differences are all that is kept.
///
///   versions     0     1     2
///   first      [----|----|----]          period 1: 3 and 2 have no common divisor,
///   second          [----|----]          so each version of the one meets each of the other
class BufferOverlap {
 public:
  BufferOverlap(const BufferRegion& first, const BufferRegion& second);

  bool is_empty() const { return differences_.none(); }
  int32_t period() const { return period_; }
  /// Whether versions i of the first and i + difference of the second, modulo their numbers of
  /// versions, come to share bytes.
  bool meets(int64_t difference) const { return differences_.test(residue(difference)); }

  /// Bytes that such versions share, lowest version first. Requires: meets(difference).
  static ByteRange common_bytes(const BufferRegion& first, const BufferRegion& second,
                                int64_t difference);
  /// Whether such versions are the same bytes wherever they share any.
  static bool is_exact(const BufferRegion& first, const BufferRegion& second, int64_t difference);

 private:
  size_t residue(int64_t difference) const {
    return static_cast<size_t>((difference % period_ + period_) % period_);
  }

  int32_t period_;
  std::bitset<kMaxStepsInFlight> differences_;
};

/// The buffers of every arena in groups, such that buffers of different groups share no bytes, all
/// versions together; each group by the place of its first byte, ties by id.
std::vector<std::vector<BufferId>> groups_by_place(const Plan& plan);

/// Calls `visit(a, b)` for all pairs of different buffers of a group of groups_by_place whose
/// bytes, all versions together, intersect, in a fixed order; returns the first answer that is not
/// empty.
template <class Visit>
auto find_in_overlaps(const Plan& plan, const std::vector<BufferId>& group, Visit visit)
    -> decltype(visit(BufferId(), BufferId())) {
  for (size_t i = 0; i < group.size(); ++i) {
    const int64_t end = all_bytes(region_of(plan.buffers[group[i]])).end;
    for (size_t j = i + 1; j < group.size(); ++j) {
      if (plan.buffers[group[j]].offset_bytes >= end) break;
      if (auto answer = visit(group[i], group[j])) return answer;
    }
  }
  return {};
}

}  // namespace graphrt
