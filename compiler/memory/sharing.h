#pragma once

#include <functional>
#include <vector>

#include "compiler/schedule/message_lanes.h"
#include "runtime/proof/happens_before.h"

namespace graphc {

/// One task touching a value; it works on the value of step s in interval s + offset.
struct ValueAccess {
  Position position;
  int32_t interval_offset = 0;
  TaskId task;
  PlacedValueId value;
  RowRange rows;
  bool is_write = false;
};

/// Who touches each value, the writers first.
IdVector<PlacedValueId, std::vector<ValueAccess>> value_accesses(const Schedule& schedule,
                                                                 const MessageLanes& lanes);

/// The order that the schedule's dependencies enforce, and these edges beside them.
HappensBefore enforced_order(const Schedule& schedule, const MessageLanes& lanes,
                             const std::vector<SchedulingEdge>& more = {});

/// The least number of intervals after which the second access may come once the first is over;
/// nothing if no number will do.
using LeastDistance =
    std::function<std::optional<int32_t>(const ValueAccess& first, const ValueAccess& second)>;

/// The distances that an enforced order gives. Requires: `order` outlives the answer.
LeastDistance distances_in(const HappensBefore& order);

enum class ShareKind : uint8_t {
  kDisjointInTime,  ///< whichever bytes they have in common: no access to one beside a write of the other
  kInPlace,  ///< in exactly the same bytes: a task that reads rows of the one may write those of
             ///< the other over them if its operator works in place, and different rows do not meet
};

/// The least k for which every access of `a` of step s comes before every access of `b` of step
/// s + k, but for those that need no order (INT32_MIN if that is all); nothing if no k will do.
/// Requires: for kInPlace, both have the same size.
/// `shift_bytes`: from the first byte of `a` to that of `b`, where that is known.
std::optional<int32_t> find_reuse_distance(const PlacedGraph& placed,
                                           const std::vector<ValueAccess>& a,
                                           const std::vector<ValueAccess>& b, ShareKind kind,
                                           const LeastDistance& distance,
                                           std::optional<int64_t> shift_bytes = std::nullopt);

/// Of the accesses to one value, those that stand for all where values are ordered: on every lane,
/// for every range of rows, the first one, the first write and the last one. Lanes are in order, so
/// what comes before or behind these comes before or behind all others.
struct OuterAccesses {
  std::vector<ValueAccess> first;  ///< also the first writes
  std::vector<ValueAccess> last;
};
IdVector<PlacedValueId, OuterAccesses> outer_accesses(
    const IdVector<PlacedValueId, std::vector<ValueAccess>>& accesses);

/// Whether two values of one memory may have the same bytes: for some k, b of step s + k has them
/// after a of step s, and before a of step s + 1. Requires: as find_reuse_distance.
///
///   step s of a         |---a---|                 |---a---|   step s + 1 of a
///   step s + k of b               |---b---|
bool are_disjoint_in_time(const PlacedGraph& placed, const std::vector<ValueAccess>& a,
                          const std::vector<ValueAccess>& b, ShareKind kind,
                          const LeastDistance& distance);

/// Of a set of accesses, on every lane, the first and the last: lanes are in order, so who comes
/// before or behind these comes before or behind all.
struct AccessEnds {
  std::vector<ValueAccess> first;  ///< at most one a lane, sorted by lane
  std::vector<ValueAccess> last;   ///< likewise
  void add(const std::vector<ValueAccess>& accesses);
};

/// are_disjoint_in_time for kDisjointInTime. Cost: the square of the number of lanes, not of accesses.
bool are_disjoint_in_time(const AccessEnds& a, const AccessEnds& b, const LeastDistance& distance);

/// Whether two accesses to values that share bytes need no order between them: they are to other
/// bytes, or one task's, in place. `shift_bytes` as above.
bool is_exempt(const PlacedGraph& placed, const ValueAccess& first, const ValueAccess& second,
               ShareKind kind, std::optional<int64_t> shift_bytes = std::nullopt);

/// Whether `writer` may write `to` over what it reads of `from`: `to` is its first result, it reads
/// the same rows and its operator works in place.
bool may_write_over(const PlacedGraph& placed, const PlacedOp& writer, PlacedValueId from,
                    PlacedValueId to);

}  // namespace graphc
