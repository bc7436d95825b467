#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/device/lane_queue.h"
#include "runtime/device/launch_windows.h"

namespace graphrt {

/// A queue without hardware: every queued lane on a thread of its own, with the protocol of an
/// accelerator's. A window of intervals starts when the one before it has ended on every lane, as
/// one recorded graph starts after another:
///
///   lane 0    [ t0   t1 ][ t2   t3 ][ t4 ]
///   lane 1    [ t0 t1   ][ t2   t3 ][ t4 ]
///                        ^          ^      nothing passes
///
/// A stopped run is released, not interrupted: the window's actions run to its end, on whatever is
/// there. An action that fails does the same.
class ThreadedLaneQueue final : public LaneQueue {
 public:
  enum class Launches : uint8_t {
    kIssued,    ///< every window with its own steps; not longer than asked for
    kReplayed,  ///< all windows of one recording key with the steps of the first of them
  };

  ThreadedLaneQueue(QueueProgram program, int64_t max_intervals, Launches launches);

  SignalFlags flags() const override { return flags_; }
  Result<void> prepare(StepRange steps, bool is_timed) override;
  Result<void> run(const std::atomic<bool>& is_stopping) override;
  int64_t num_finished_steps() const override { return num_finished_steps_.load(); }
  std::vector<QueuedSpan> spans() const override;

  /// Windows that were served by the recording of another one, since the queue was made.
  int64_t num_replays() const { return num_replays_; }

 private:
  struct Recording {
    Window window;
    StepRange steps;
  };
  struct Launch {
    Recording recording;
    Window window;  // of the run that launches it
  };

  WindowRequest request_for(StepRange steps) const;
  Recording recording_for(const Window& window, const WindowRequest& request, StepRange steps);

  void launch(const Recording& recording, const std::atomic<bool>& is_stopping);
  void run_lane(QueuedLaneId id, const Recording& recording);
  void run_instruction(QueuedPosition at, const Recording& recording, int64_t interval);
  void wait_for_lanes(const QueuedInstruction& instruction, const Recording& recording,
                      int64_t interval);
  void wait_on_signals(const QueuedInstruction& instruction, int64_t interval) const;
  void set_signals(const QueuedInstruction& instruction, int64_t interval) const;
  void run_action(QueuedPosition at, int64_t step);
  void set_all(uint32_t to_host, uint32_t to_device) const;

  QueueProgram program_;
  int64_t max_intervals_;
  Launches launches_kind_;
  std::vector<uint32_t> memory_;
  SignalFlags flags_;
  std::map<RecordingKey, Recording> recordings_;
  int64_t num_replays_ = 0;

  // Of the current or latest run.
  std::vector<Launch> launches_;
  bool is_timed_ = false;
  std::atomic<int64_t> num_finished_steps_ = 0;
  std::atomic<bool> has_failed_ = false;
  std::mutex error_mutex_;
  std::optional<Error> error_;
  IdVector<QueuedLaneId, std::vector<QueuedSpan>> spans_;

  // Of the current window: instructions that each lane has finished.
  std::vector<std::atomic<int64_t>> num_finished_;
  std::atomic<size_t> num_running_ = 0;
  std::atomic<bool> is_released_ = false;  // nobody waits for a flag any more
};

}  // namespace graphrt
