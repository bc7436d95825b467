#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/device/cuda/cuda_action.h"
#include "runtime/device/cuda/cuda_stream.h"
#include "runtime/device/cuda/signal_memory.h"
#include "runtime/device/lane_queue.h"
#include "runtime/device/launch_windows.h"

namespace graphrt::cuda {

/// Which events a wait on an earlier interval can rely on.
enum class Earlier : uint8_t {
  kIsOver,     ///< whatever came before the window has finished: a graph that is launched after it
  kHasEvents,  ///< it was issued by this issuer, onto the same streams
};

/// Puts intervals of a program onto streams, one a lane where there are enough: kernels and copies
/// in lane order, waits as events, signals as operations on flags. The same calls record a graph
/// when the streams are being captured.
///
/// Threads: one at a time.
class LaneIssuer {
 public:
  /// `program` must outlive this. With more lanes than `max_streams_per_gpu`, lanes share streams:
  /// that is safe because everything an instruction waits for is issued before it.
  static Result<std::unique_ptr<LaneIssuer>> create(const QueueProgram& program,
                                                    int32_t max_streams_per_gpu);

  const std::vector<std::unique_ptr<CudaStream>>& streams() const { return streams_; }
  SignalMemory& signals() { return signals_; }

  /// Issues the window of a run of `steps`.
  /// Errors: what CUDA refuses; instruction, lane and device in front.
  Result<void> issue(const Window& window, StepRange steps, Earlier earlier);

  /// From now on the start and end of every instruction are marked; `kind` says whether the marks
  /// are recorded into a graph. Forgets earlier marks.
  enum class Marks : uint8_t { kNone, kOnStreams, kInGraph };
  Result<void> start_marks(Marks kind);
  /// The marked times. Requires: all that was issued has finished.
  Result<std::vector<QueuedSpan>> read_marks() const;

 private:
  struct Place {
    CudaAction* action;
    std::vector<CudaEvent> events;  // one for each interval that a wait looks back; or none
  };
  struct Mark {
    QueuedPosition first;  // of a launch
    int64_t step;
    int32_t gpu;
    CudaEvent start;
    CudaEvent end;
  };
  struct Origin {  // of the times of one GPU
    int32_t gpu;
    CudaEvent event;
    std::chrono::steady_clock::time_point time;
  };

  LaneIssuer(const QueueProgram& program, SignalMemory signals);
  Result<void> make_streams(int32_t max_streams_per_gpu);
  Result<void> make_events();
  Result<void> issue_one(const QueuedPosition& at, int64_t interval, const Window& window,
                         StepRange steps, Earlier earlier);
  Result<void> run_launch(const QueuedPosition& first, const QueuedPosition& last, int64_t step,
                          const CudaStream& stream);
  Result<void> enqueue_launch(const QueuedPosition& first, const QueuedPosition& last, int64_t step,
                              const CudaStream& stream);
  const QueuedInstruction& instruction_at(const QueuedPosition& at) const;
  QueuedPosition last_of_launch(QueuedPosition at) const;
  Result<CudaEvent> mark(const CudaStream& stream) const;
  const Origin& origin_of(int32_t gpu) const;
  CudaAction& action_of(const QueuedPosition& at) {
    return *places_[at.lane][static_cast<size_t>(at.position)].action;
  }

  const QueueProgram& program_;
  SignalMemory signals_;
  std::vector<std::unique_ptr<CudaStream>> streams_;
  IdVector<QueuedLaneId, size_t> stream_of_;
  IdVector<QueuedLaneId, std::vector<Place>> places_;
  std::vector<SignalMemory::Use> uses_;  // of one instruction; kept, not made every step
  JointLaunch joint_;                    // the same
  Marks marks_kind_ = Marks::kNone;
  std::vector<Mark> marks_;
  std::vector<Origin> origins_;
};

}  // namespace graphrt::cuda
