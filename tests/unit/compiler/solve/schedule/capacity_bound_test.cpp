#include "compiler/solve/schedule/capacity_bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace graphc {
namespace {

// Ten pieces of 100 ns on either of two GPUs, 5000 ns on a worker of the CPU, of which there are
// ten: these count for 10 x 100 / 5000 = 0.2 of a GPU. 1000 / 2.2.
TEST(CapacityBound, SlowLanesCountForLess) {
  const std::vector<int64_t> on_gpu(10, 100);
  const std::vector<int64_t> on_cpu(10, 5000);
  EXPECT_EQ(capacity_bound_ns({{10, 0, on_cpu}, {1, 0, on_gpu}, {1, 0, on_gpu}}), 454);
}

// A GPU that is busy for 300 ns with other work has that much less to give: (1000 + 300) / 2.
TEST(CapacityBound, WhatIsPinnedTakesItsShare) {
  const std::vector<int64_t> on_gpu(10, 100);
  EXPECT_EQ(capacity_bound_ns({{1, 300, on_gpu}, {1, 0, on_gpu}}), 649);  // just below 650
}

TEST(CapacityBound, NothingToDoTakesNoTime) {
  EXPECT_EQ(capacity_bound_ns({{4, 100, {}}, {1, 0, {}}}), 0);
}

/// The shortest time over all ways to put the pieces on lanes.
int64_t best_of_all(const std::vector<DeviceCapacity>& devices) {
  const size_t num_pieces = devices.front().work_ns.size();
  std::vector<std::pair<size_t, int64_t>> lanes;  // device, time that is taken
  for (size_t d = 0; d < devices.size(); ++d) {
    // Pinned work may be divided among the lanes as it likes, so it is spread evenly here.
    for (int64_t i = 0; i < devices[d].num_lanes; ++i) {
      lanes.emplace_back(d, devices[d].pinned_ns / devices[d].num_lanes);
    }
  }
  size_t num_ways = 1;
  for (size_t i = 0; i < num_pieces; ++i) num_ways *= lanes.size();
  int64_t best = std::numeric_limits<int64_t>::max();
  for (size_t way = 0; way < num_ways; ++way) {
    auto busy = lanes;
    size_t rest = way;
    for (size_t piece = 0; piece < num_pieces; ++piece, rest /= lanes.size()) {
      auto& [device, taken_ns] = busy[rest % lanes.size()];
      taken_ns += devices[device].work_ns[piece];
    }
    int64_t longest = 0;
    for (const auto& [device, taken_ns] : busy) longest = std::max(longest, taken_ns);
    best = std::min(best, longest);
  }
  return best;
}

TEST(CapacityBound, NoWayToPlaceThePiecesIsFaster) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::minstd_rand random(seed);
    const size_t num_pieces = 1 + random() % 5;
    std::vector<DeviceCapacity> devices(1 + random() % 2);
    for (DeviceCapacity& device : devices) {
      device.num_lanes = 1 + static_cast<int64_t>(random() % 2);
      device.pinned_ns = device.num_lanes * static_cast<int64_t>(random() % 50);
      for (size_t i = 0; i < num_pieces; ++i) {
        device.work_ns.push_back(1 + static_cast<int64_t>(random() % 100));
      }
    }
    EXPECT_LE(capacity_bound_ns(devices), best_of_all(devices)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace graphc
