#pragma once

#include <vector>

#include "compiler/schedule/schedule.h"
#include "runtime/plan/happens_before.h"

namespace graphc {

/// One task touching a value; it works on the value of step s in interval s + offset.
struct ValueAccess {
  Position position;
  int32_t interval_offset = 0;
};

/// Who touches each value, the writers first.
IdVector<PlacedValueId, std::vector<ValueAccess>> value_accesses(const Schedule& schedule);

/// The order that the schedule's dependencies enforce.
HappensBefore enforced_order(const Schedule& schedule);

/// Whether two values can live in the same bytes: for some k, all accesses to `a` of step s come
/// before all accesses to `b` of step s + k, and those before all accesses to `a` of step s + 1.
///
///   step s of a      |---a---|                 |---a---|   step s + 1 of a
///   step s + k of b            |---b---|
bool may_share_bytes(const std::vector<ValueAccess>& a, const std::vector<ValueAccess>& b,
                     const HappensBefore& order);

}  // namespace graphc
