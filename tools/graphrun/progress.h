#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "runtime/engine/session.h"

namespace graphrun {

/// Shows on stderr how far a run is, from a thread of its own that only reads counters: a bar on a
/// terminal, elsewhere a line every few seconds. Short runs show nothing.
class Progress {
 public:
  /// `session` must outlive this.
  Progress(const graphrt::Session& session, int64_t num_steps);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Removes the bar.
  ~Progress();

 private:
  void show_until_stopped();
  void show(std::chrono::steady_clock::duration elapsed);

  const graphrt::Session& session_;
  int64_t num_steps_;
  bool is_terminal_;
  bool is_bar_shown_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopped_ = false;
  std::thread thread_;
};

}  // namespace graphrun
