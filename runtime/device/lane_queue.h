#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/device/action.h"
#include "runtime/device/launch.h"

namespace graphrt {

/// One of the queues that the lanes of a plan are divided among, one a back end.
using QueueId = Id<struct QueueTag>;
/// Within one queue.
using QueuedLaneId = Id<struct QueuedLaneTag>;
using SignalId = Id<struct SignalTag>;

/// Before this instruction in interval t, `lane` has finished its first `count` instructions of
/// interval t - distance. Both lanes are queued.
struct QueuedWait {
  QueuedLaneId lane;
  int32_t count = 0;
  int32_t distance = 0;
  bool operator==(const QueuedWait&) const = default;
};

enum class SignalDirection : uint8_t { kToHost, kToDevice };

/// An order between an instruction of a host thread and a queued one: the producer of interval t
/// comes before the consumer of interval t + distance.
///
/// It is one flag for each of `kSignalSlots` intervals in flight; interval t uses flag
/// t mod kSignalSlots. The producer waits to find it 0 and sets it to 1; the consumer waits to
/// find it 1 and sets it to 0. So nothing grows, and a recorded launch can be replayed.
struct Signal {
  SignalDirection direction = SignalDirection::kToHost;
  int32_t distance = 0;
};

struct QueuedInstruction {
  std::string name;          ///< the user's name for it
  Action* action = nullptr;  ///< bound by the back end that queues it; outlives the queue
  int32_t stage = 0;
  bool is_joined = false;  ///< started in one launch with the one before it
  std::vector<QueuedWait> waits;
  std::vector<SignalId> waits_on;  ///< consumed before it starts
  std::vector<SignalId> signals;   ///< produced after it has finished
};

struct QueuedLane {
  std::string name;
  std::string device;
  std::vector<QueuedInstruction> instructions;
};

/// An instruction by its place.
struct QueuedPosition {
  QueuedLaneId lane;
  int32_t position = 0;
  bool operator==(const QueuedPosition&) const = default;
};

/// The lanes of a plan that a back end runs by itself, with what orders them among each other and
/// with the host.
struct QueueProgram {
  std::string name;  ///< the plan's
  IdVector<QueuedLaneId, QueuedLane> lanes;
  IdVector<SignalId, Signal> signals;
  /// Every queued instruction once, in an order in which the plan lets one interval happen: whoever
  /// queues in this order never queues something before what it waits for.
  std::vector<QueuedPosition> order;
  int32_t max_stage = 0;    ///< of the whole plan
  int32_t num_phases = 1;   ///< addresses repeat after so many steps
  int64_t interval_ns = 0;  ///< predicted
};

/// Launches and copies of an interval.
inline int64_t num_launched(const QueueProgram& program) {
  int64_t count = 0;
  for (const QueuedLane& lane : program.lanes) {
    count += std::count_if(lane.instructions.begin(), lane.instructions.end(),
                           [](const QueuedInstruction& item) { return !item.is_joined; });
  }
  return count;
}

/// The largest distance of any signal.
inline int64_t longest_signal(const QueueProgram& program) {
  int64_t longest = 0;
  for (const Signal& signal : program.signals) {
    longest = std::max<int64_t>(longest, signal.distance);
  }
  return longest;
}

/// The smallest number of intervals between which a signal's flag is used again.
constexpr int64_t kMinSignalSlots = 4;

/// A flag is used again only after its consumer, `distance` intervals later, has set it back: with
/// fewer slots than that the producer would wait for a consumer that comes after it.
inline int64_t num_signal_slots(const QueueProgram& program) {
  return std::max(kMinSignalSlots, longest_signal(program) + 1);
}

/// When a queued instruction worked, on the host's clock.
struct QueuedSpan {
  QueuedPosition where;
  int64_t step = 0;
  std::chrono::steady_clock::time_point start;
  std::chrono::steady_clock::time_point end;
};

/// The host's side of all signals, in memory that the accelerators see too.
class SignalFlags {
 public:
  SignalFlags() = default;
  /// `flags` holds num_slots * num_signals zeros.
  SignalFlags(uint32_t* flags, int64_t num_slots) : flags_(flags), num_slots_(num_slots) {}

  int64_t num_slots() const { return num_slots_; }
  /// The flag of the producer's interval, counted from the start of the run.
  uint32_t* at(SignalId signal, int64_t interval) const {
    return flags_ + static_cast<int64_t>(signal.index()) * num_slots_ + interval % num_slots_;
  }

 private:
  uint32_t* flags_ = nullptr;
  int64_t num_slots_ = kMinSignalSlots;
};

/// Runs the queued lanes of a plan on the hardware's own queues, without a host thread a lane.
///
/// Threads: prepare(), run() and the destructor from one thread at a time, between runs, and not
///          always the same; the flags from the host's lanes during a run.
class LaneQueue {
 public:
  LaneQueue() = default;
  LaneQueue(const LaneQueue&) = delete;
  LaneQueue& operator=(const LaneQueue&) = delete;
  virtual ~LaneQueue() = default;

  virtual SignalFlags flags() const = 0;

  /// Makes all that run() needs for these steps, and clears the flags. Everything that allocates,
  /// loads or records happens here. `is_timed`: run() will be asked for the times.
  /// Errors: what the hardware refuses (kMachine).
  virtual Result<void> prepare(StepRange steps, bool is_timed) = 0;

  /// Queues the prepared steps and returns when all have finished. When `is_stopping` becomes true
  /// the rest of the run is abandoned: waits for the host are released until the hardware is idle.
  /// Errors: what the hardware reports (kMachine), with the lane or the plan it happened in.
  virtual Result<void> run(const std::atomic<bool>& is_stopping) = 0;

  /// Steps of the current or latest run that have finished, at least. From any thread.
  virtual int64_t num_finished_steps() const = 0;

  /// Of the latest run; empty unless it was prepared with is_timed.
  virtual std::vector<QueuedSpan> spans() const = 0;

  /// Of the latest run that was recorded; nothing where launches are not counted.
  virtual LaunchCost launch_cost() const { return {}; }
};

using LaneQueueFactory =
    std::function<Result<std::unique_ptr<LaneQueue>>(QueueProgram program, LaunchMode mode)>;

}  // namespace graphrt
