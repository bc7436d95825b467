#pragma once

#include <vector>

#include "compiler/memory/memory_plan.h"

/// How much of an arena is in use at once, and by what.
namespace graphc {

/// Bytes that are in use in [begin_ns, end_ns) of every interval.
struct BytesInUse {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t num_bytes = 0;
};

struct Peak {
  int64_t num_bytes = 0;
  int64_t at_ns = 0;
  bool operator==(const Peak&) const = default;
};

/// The largest sum of bytes that are in use at one time, and the earliest time at which the sum
/// rises to it; 0 if it never changes. The interval repeats: what ends with it and begins with the
/// next is no rise.
///
///   sum  ^   .-----.            .--
///        |---'     '---.  .-----'
///        |             '--'
///        +---^------------------^--> time
///         at_ns          as high, but later
///
/// Requires: all times in [0, interval_ns].
Peak find_peak(const std::vector<BytesInUse>& uses, int64_t interval_ns);

struct AliveValue {
  PlacedValueId value;
  int64_t num_bytes = 0;  ///< of all its versions, aligned
};

struct ArenaPeak {
  int64_t num_bytes = 0;
  int64_t at_ns = 0;           ///< in the interval
  std::optional<TaskId> task;  ///< starts then and needs the last bytes of the peak; nothing if the
                               ///< same bytes are alive all the time
  std::vector<AliveValue> alive;  ///< largest first, then by name
};

/// The largest number of bytes of the arena that are alive at once in the predicted steady state.
///
/// The bytes of a value are alive from the start of its first writer in step s to the end of its
/// last reader of what was written in step s (live_ranges.h), in every step. Those of a state, a
/// constant, an output that stays on a device, and of all versions of a value that has several are
/// alive the whole time: nobody else may use them. Bytes are aligned ones, as the arena holds them.
///
/// The difference to the size of the arena is what is lost between buffers, and what is kept apart
/// because no enforced order separates it. Times are predictions: where a lane is predicted to run
/// later than the order allows for, values that share bytes may appear alive at once.
ArenaPeak arena_peak(const MemoryPlan& plan, ArenaId arena);

/// The values with a buffer in the arena, in their order.
std::vector<PlacedValueId> values_in(const MemoryPlan& plan, ArenaId arena);

}  // namespace graphc
