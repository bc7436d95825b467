#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/schedule/schedule.h"

/// When values are in use, by predicted times: for looking at memory and for judging plans. Who may
/// share bytes follows from the enforced order alone (sharing.h), never from here.
namespace graphc {

/// When a value's bytes are in use, for step 0: half-open, counted from the start of interval 0.
/// Begins with the start of its first writer and ends with the end of its last reader or writer; a
/// reader at distance d of what step s writes is that of step s + d. Step s is s intervals later.
///
///   interval       0            1            2
///   feed        [ x(0) ]     [ x(1) ]     [ x(2) ]        stage 0
///   gpu                        [ y(0) ]     [ y(1) ]      stage 1, reads x
///   x, step 0   |---------------------|
struct LiveRange {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  bool operator==(const LiveRange&) const = default;
};

/// The live range of every value under the schedule's predicted times; nothing for what lives for
/// the whole run: states, constants and outputs that stay on a device.
IdVector<PlacedValueId, std::optional<LiveRange>> live_ranges(const Schedule& schedule);

/// A part of the steady interval in which one version of a value is in use; half-open.
struct LivePiece {
  int32_t version = 0;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  bool operator==(const LivePiece&) const = default;
};

/// What of all steps' live ranges falls into one interval of the steady state, [0, interval_ns) of
/// an interval whose number is a multiple of `versions`; step s uses version s mod `versions`.
/// Sorted by version and time; what overlaps or touches in one version is one piece.
///
///   step -1   ------)  .      .           one version:   ---)  [-----
///   step 0         .  [-------.--)                       two pieces, the second goes on as the
///   first
///                  0      interval
///
/// Requires: interval_ns > 0, versions > 0.
std::vector<LivePiece> live_pieces(const LiveRange& range, int64_t interval_ns, int32_t versions);

}  // namespace graphc
