#include "runtime/device/launch_windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>

namespace graphrt {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kNumSeeds = 3000;

/// A queue's program, as far as its launches depend on it.
struct Program {
  int64_t max_stage = 0;
  int64_t longest_distance = 0;
  int64_t num_phases = 1;
  int64_t num_slots = 4;
  int64_t max_intervals = 1;

  int64_t num_leading() const { return std::max(max_stage, longest_distance); }
  int64_t period() const { return std::lcm(num_phases, num_slots); }
  WindowRequest request(int64_t num_steps) const {
    return {.num_steps = num_steps,
            .max_stage = max_stage,
            .num_leading = num_leading(),
            .period = period(),
            .max_intervals = max_intervals};
  }
};

class RandomRuns {
 public:
  explicit RandomRuns(uint32_t seed) : random_(seed) {}

  Program program() {
    Program p;
    p.max_stage = below(6);
    p.longest_distance = below(3) == 0 ? below(12) : below(3);
    p.num_phases = 1 + below(6);
    p.num_slots = std::max<int64_t>(4, p.longest_distance + 1);
    p.max_intervals = 1 + below(below(2) == 0 ? 8 : 60);
    return p;
  }
  int64_t num_steps() { return 1 + below(below(2) == 0 ? 12 : 150); }
  int64_t first_step() { return below(40); }
  /// Any part of a run, of lengths that meet again.
  Window window(int64_t num_intervals) {
    const int64_t first = below(num_intervals);
    return {first, 1 + below(std::min<int64_t>(num_intervals - first, 4))};
  }

 private:
  int64_t below(int64_t limit) { return static_cast<int64_t>(random_()) % limit; }

  std::mt19937 random_;
};

std::string text_of(const Program& p, int64_t num_steps) {
  return "max_stage " + std::to_string(p.max_stage) + ", longest distance " +
         std::to_string(p.longest_distance) + ", phases " + std::to_string(p.num_phases) +
         ", slots " + std::to_string(p.num_slots) + ", at most " + std::to_string(p.max_intervals) +
         " intervals, " + std::to_string(num_steps) + " steps";
}

//            0  1  2  3  4  5  6  7  8  9 10 11
// stage 0    s0 s1 s2 s3 s4 s5 s6 s7 s8 s9
// stage 2          s0 s1 s2 s3 s4 s5 s6 s7 s8 s9
//           [lead][   body   ][   body   ][rest]
TEST(LaunchWindows, AreTheFirstIntervalsWholePeriodsAndTheRest) {
  const WindowRequest request{
      .num_steps = 10, .max_stage = 2, .num_leading = 2, .period = 4, .max_intervals = 7};
  EXPECT_THAT(launch_windows(request),
              ElementsAre(Window{0, 2}, Window{2, 4}, Window{6, 4}, Window{10, 2}));
}

TEST(LaunchWindows, AreOneWhereEverythingFits) {
  const WindowRequest request{
      .num_steps = 10, .max_stage = 2, .num_leading = 2, .period = 4, .max_intervals = 12};
  EXPECT_THAT(launch_windows(request), ElementsAre(Window{0, 12}));
}

TEST(LaunchWindows, AreOneWhereAllIsLeading) {
  const WindowRequest request{
      .num_steps = 3, .max_stage = 2, .num_leading = 5, .period = 4, .max_intervals = 1};
  EXPECT_THAT(launch_windows(request), ElementsAre(Window{0, 5}));
}

TEST(LaunchWindows, HoldSeveralPeriodsWhereTheyFit) {
  const WindowRequest request{
      .num_steps = 40, .max_stage = 0, .num_leading = 0, .period = 4, .max_intervals = 15};
  EXPECT_THAT(launch_windows(request),
              ElementsAre(Window{0, 12}, Window{12, 12}, Window{24, 12}, Window{36, 4}));
}

TEST(LaunchWindows, CoverTheRunOnceInOrder) {
  for (uint32_t seed = 0; seed < kNumSeeds; ++seed) {
    RandomRuns random(seed);
    const Program program = random.program();
    const int64_t num_steps = random.num_steps();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + text_of(program, num_steps));
    const int64_t num_intervals = num_steps + program.max_stage;
    const int64_t longest =
        std::max({program.max_intervals, program.period(), program.num_leading()});
    const std::vector<Window> windows = launch_windows(program.request(num_steps));
    int64_t next = 0;
    for (const Window& window : windows) {
      ASSERT_EQ(window.first, next);
      ASSERT_GT(window.count, 0);
      ASSERT_LE(window.count, longest);
      next += window.count;
    }
    ASSERT_EQ(next, num_intervals);
    if (num_intervals <= program.max_intervals) {
      ASSERT_EQ(windows.size(), 1U);
    }
  }
}

// Between the first intervals and the first window that reaches behind the last step.
TEST(LaunchWindows, HaveEqualBodiesOfWholePeriodsInWhichNothingIsSkipped) {
  size_t num_bodies = 0;
  for (uint32_t seed = 0; seed < kNumSeeds; ++seed) {
    RandomRuns random(seed);
    const Program program = random.program();
    const int64_t num_steps = random.num_steps();
    const int64_t first_step = random.first_step();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + text_of(program, num_steps));
    const WindowRequest request = program.request(num_steps);
    std::vector<Window> windows = launch_windows(request);
    if (windows.size() == 1) continue;
    if (request.num_leading > 0) {
      ASSERT_EQ(windows.front(), (Window{0, request.num_leading}));
      windows.erase(windows.begin());
    }
    windows.pop_back();
    std::set<RecordingKey> keys;
    for (const Window& window : windows) {
      ASSERT_GE(window.first, request.num_leading);
      ASSERT_EQ(window.count % request.period, 0);
      if (window.first + window.count > num_steps) continue;
      ++num_bodies;
      keys.insert(
          recording_key(window, request, first_step, program.num_phases, program.num_slots));
    }
    ASSERT_LE(keys.size(), 1U) << "one recording serves all bodies";
  }
  EXPECT_GT(num_bodies, size_t{kNumSeeds});
}

/// What is recorded for one interval, computed from what an interval means and nothing else.
struct RecordedInterval {
  /// Of each stage: the phase of its step's addresses, or nothing where the step is not in the run.
  std::vector<std::optional<int64_t>> phase_of_stage;
  /// Of each distance: the slot of the flag that is taken, or nothing where it is before the run.
  std::vector<std::optional<int64_t>> taken_slot_of_distance;
  int64_t given_slot = 0;
  bool operator==(const RecordedInterval&) const = default;
};

RecordedInterval record(const Program& program, int64_t first_step, int64_t num_steps,
                        int64_t interval) {
  RecordedInterval recorded;
  for (int64_t stage = 0; stage <= program.max_stage; ++stage) {
    const int64_t step = interval - stage;
    const bool is_in_run = 0 <= step && step < num_steps;
    recorded.phase_of_stage.push_back(
        is_in_run ? std::optional((first_step + step) % program.num_phases) : std::nullopt);
  }
  for (int64_t distance = 0; distance <= program.num_leading(); ++distance) {
    const int64_t producing = interval - distance;
    recorded.taken_slot_of_distance.push_back(
        producing >= 0 ? std::optional(producing % program.num_slots) : std::nullopt);
  }
  recorded.given_slot = interval % program.num_slots;
  return recorded;
}

// Also between runs of different lengths that start at different steps, since recordings are kept;
// and however the runs are divided.
TEST(LaunchWindows, OfOneRecordingKeyRecordTheSame) {
  constexpr int kNumRuns = 8;
  constexpr int kNumWindows = 20;
  size_t num_shared = 0;
  for (uint32_t seed = 0; seed < kNumSeeds / 4; ++seed) {
    RandomRuns random(seed);
    const Program program = random.program();
    std::map<RecordingKey, std::vector<RecordedInterval>> recordings;
    for (int run = 0; run < kNumRuns; ++run) {
      const int64_t num_steps = random.num_steps();
      const int64_t first_step = random.first_step();
      const WindowRequest request = program.request(num_steps);
      std::vector<Window> windows = launch_windows(request);
      for (int i = 0; i < kNumWindows; ++i) {
        windows.push_back(random.window(num_steps + program.max_stage));
      }
      for (const Window& window : windows) {
        std::vector<RecordedInterval> recorded;
        for (int64_t i = 0; i < window.count; ++i) {
          recorded.push_back(record(program, first_step, num_steps, window.first + i));
        }
        const RecordingKey key =
            recording_key(window, request, first_step, program.num_phases, program.num_slots);
        const auto [at, is_new] = recordings.try_emplace(key, recorded);
        ASSERT_TRUE(at->second == recorded)
            << "seed " << seed << ", run " << run << ": " << text_of(program, num_steps)
            << ", from step " << first_step << ", window of " << window.count << " from "
            << window.first;
        num_shared += is_new ? 0 : 1;
      }
    }
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_shared, size_t{kNumSeeds});
}

}  // namespace
}  // namespace graphrt
