#include "tools/graphprobe/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "runtime/base/exceptions.h"
#include "runtime/base/thread.h"

namespace graphprobe {
namespace {

using graphrt::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kMinSamples = 3;
constexpr size_t kMaxSamples = 10'000;

constexpr size_t kNumRounds = 5;
constexpr auto kRound = milliseconds(150);
/// No round starts after this; one at least is measured.
constexpr auto kAllRounds = milliseconds(1500);

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/// One round of combined_rate().
class Round {
 public:
  explicit Round(size_t num_actions)
      : start_(static_cast<std::ptrdiff_t>(num_actions)), num_counting_(num_actions) {}

  /// Runs of this action in a second, while all others run too.
  Result<double> count(graphrt::Action& action) {
    start_.arrive_and_wait();
    if (is_called_off_.load()) return 0.0;
    const Clock::time_point begin = Clock::now();
    Clock::duration elapsed{};
    Result<void> status;
    double num_runs = 0;
    while (status && elapsed < kRound) {
      status = run_once(action);
      num_runs += 1;
      elapsed = Clock::now() - begin;
    }
    num_counting_.fetch_sub(1, std::memory_order_relaxed);
    while (status && num_counting_.load(std::memory_order_relaxed) > 0) status = run_once(action);
    TRY(status);
    return num_runs / seconds(elapsed);
  }

  /// Nothing is to be counted: so many of the actions have no thread.
  void call_off(size_t num_missing) {
    is_called_off_.store(true);
    start_.count_down(static_cast<std::ptrdiff_t>(num_missing));
  }

 private:
  static Result<void> run_once(graphrt::Action& action) {
    return graphrt::without_exceptions([&] { return action.run(0); });
  }

  std::latch start_;
  std::atomic<bool> is_called_off_ = false;
  std::atomic<size_t> num_counting_;
};

/// Runs of all actions in a second.
Result<double> run_round(std::span<graphrt::Action* const> actions) {
  Round round(actions.size());
  std::vector<Result<double>> rates(actions.size(), 0.0);
  std::vector<std::thread> threads;
  threads.reserve(actions.size());
  Result<void> has_all;
  for (size_t i = 0; i < actions.size() && has_all; ++i) {
    Result<std::thread> started = graphrt::start_thread(
        fmt::format("thread {} of {}, one for every worker", i + 1, actions.size()),
        [&, i] { rates[i] = round.count(*actions[i]); });
    if (started) {
      threads.push_back(*std::move(started));
    } else {
      has_all = tl::unexpected(std::move(started).error());
      round.call_off(actions.size() - i);
    }
  }
  for (std::thread& thread : threads) thread.join();
  TRY(has_all);
  double sum = 0;
  for (Result<double>& rate : rates) {
    TRY(const double runs_per_s, std::move(rate));
    sum += runs_per_s;
  }
  return sum;
}

}  // namespace

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + std::ssize(samples) / 2;
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

double steady_seconds() { return seconds(Clock::now().time_since_epoch()); }

Result<double> median_seconds(const std::function<Result<void>()>& run,
                              std::chrono::nanoseconds budget) {
  const Clock::time_point warm = Clock::now() + budget / 4;
  do {
    TRY(run());
  } while (Clock::now() < warm);
  const Clock::time_point end = Clock::now() + budget;
  std::vector<double> samples;
  Clock::time_point begin = Clock::now();
  while (samples.size() < kMinSamples || (begin < end && samples.size() < kMaxSamples)) {
    TRY(run());
    const Clock::time_point now = Clock::now();
    samples.push_back(seconds(now - begin));
    begin = now;
  }
  return median(std::move(samples));
}

Result<double> combined_rate(std::span<graphrt::Action* const> actions, double amount) {
  const Clock::time_point end = Clock::now() + kAllRounds;
  TRY(run_round(actions));
  std::vector<double> samples;
  while (samples.empty() || (samples.size() < kNumRounds && Clock::now() < end)) {
    TRY(const double runs_per_s, run_round(actions));
    samples.push_back(runs_per_s);
  }
  return amount * median(std::move(samples));
}

}  // namespace graphprobe
