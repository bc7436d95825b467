#pragma once

#include <functional>
#include <vector>

#include "compiler/schedule/schedule.h"
#include "runtime/plan/happens_before.h"

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
IdVector<PlacedValueId, std::vector<ValueAccess>> value_accesses(const Schedule& schedule);

/// The order that the schedule's dependencies enforce, and these edges beside them.
HappensBefore enforced_order(const Schedule& schedule,
                             const std::vector<SchedulingEdge>& more = {});

/// The least number of intervals after which the second access may come once the first is over;
/// nothing if no number will do.
using LeastDistance =
    std::function<std::optional<int32_t>(const ValueAccess& first, const ValueAccess& second)>;

/// The distances that an enforced order gives. Requires: `order` outlives the answer.
LeastDistance distances_in(const HappensBefore& order);

enum class ShareKind : uint8_t {
  kInTurn,   ///< whichever bytes they have in common: no access to one beside a write of the other
  kInPlace,  ///< in exactly the same bytes: a task that reads rows of the one may write those of
             ///< the other over them if its operator works in place, and different rows do not meet
};

/// Two values of one memory take turns: b of step s + lead has the bytes after a of step s, and
/// before a of step s + 1.
///
///   step s of a         |---a---|                 |---a---|   step s + 1 of a
///   step s + lead of b            |---b---|
struct Turns {
  int32_t lead = 0;
  ShareKind kind = ShareKind::kInTurn;
};

/// The turns of two values under an order; nothing if some of their accesses may meet.
/// Requires: for kInPlace, both have the same type.
std::optional<Turns> find_turns(const PlacedGraph& placed, const std::vector<ValueAccess>& a,
                                const std::vector<ValueAccess>& b, ShareKind kind,
                                const LeastDistance& distance);

/// Whether two accesses to values that share bytes need no order between them.
bool is_exempt(const PlacedGraph& placed, const ValueAccess& first, const ValueAccess& second,
               ShareKind kind);

/// Whether `writer` may write its result over what it reads of `from`: it reads the same rows and
/// its operator works in place.
bool may_write_over(const PlacedGraph& placed, const PlacedOp& writer, PlacedValueId from);

}  // namespace graphc
