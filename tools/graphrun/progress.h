#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/base/step_range.h"
#include "runtime/session/session.h"

namespace graphrun {

/// Shows on stderr how far a run is, from a thread of its own that only reads counters: a bar on a
/// terminal, elsewhere a line every few seconds. Short runs show nothing.
class Progress {
 public:
  /// Of the steps from the session's next one to `end_step`. `session` must outlive this.
  Progress(const graphrt::Session& session, int64_t end_step);
  /// From now on. Errors: the system gives no thread (kMachine).
  graphrt::Result<void> start();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Removes the bar.
  ~Progress();

  /// The session is about to run these steps.
  void start_piece(graphrt::StepRange steps);
  /// Shows the latest value of an output beside the bar.
  void show_value(const std::string& name, const std::string& value);
  /// Makes room for a line of somebody else.
  void hide();

 private:
  void show_until_stopped();
  void show(std::chrono::steady_clock::duration elapsed);

  const graphrt::Session& session_;
  const int64_t first_step_;
  const int64_t end_step_;
  const bool is_terminal_;
  std::atomic<int64_t> piece_first_;
  std::atomic<int64_t> piece_end_;

  // Guarded by the mutex.
  std::mutex mutex_;
  std::string value_;
  bool is_bar_shown_ = false;
  bool is_stopped_ = false;

  std::condition_variable stopped_;
  std::thread thread_;
};

}  // namespace graphrun
