#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "compiler/lower/search_report.h"

/// Shows on a terminal what a search looks at and the best step so far, once it has taken two
/// seconds; from a thread of its own. Elsewhere, and where the system gives no thread, it shows
/// nothing.
class SearchProgress {
 public:
  SearchProgress();
  SearchProgress(const SearchProgress&) = delete;
  SearchProgress& operator=(const SearchProgress&) = delete;
  ~SearchProgress() { stop(); }

  /// Removes the bar: what comes next has the terminal for itself.
  void stop();

  /// Empty where nothing is shown. Requires: this outlives it.
  graphc::SearchReport report();

 private:
  void show_until_stopped();

  // Guarded by the mutex.
  std::mutex mutex_;
  graphc::SearchStatus status_;
  bool is_stopped_ = false;

  std::condition_variable stopped_;
  std::thread thread_;
};
