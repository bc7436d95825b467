#include "tools/graphprobe/measure_streams.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tools/graphprobe/plan_time.h"

namespace graphprobe {
namespace {

using graphrt::Result;

/// More than 32 branches of a GPU are never recorded (docs/cuda.md).
constexpr std::array<int32_t, 5> kCandidates{2, 4, 8, 16, 32};
constexpr int32_t kNumKernels = 192;  // a multiple of all of them
constexpr double kHardlyLonger = 1.25;
constexpr std::chrono::milliseconds kStreamsBudget{200};

/// Products that take a few microseconds each and next to nothing of the chip. None waits for
/// another.
std::string small_products(const std::string& device) {
  std::string states = fmt::format(
      "state %x : f32[64, 64] init uniform(low=-1, high=1, seed=1) device {}\n", device);
  std::string nodes;
  for (int32_t i = 0; i < kNumKernels; ++i) {
    states += fmt::format("state %s{} : f32[64, 64] init zeros device {}\n", i, device);
    nodes += fmt::format("%n{} = matmul(%x, %x) device {} keep updates %s{}\n", i, device, i);
  }
  return "graph streams\n" + states + nodes;
}

}  // namespace

Result<int32_t> measure_streams(const graphc::Machine& machine, graphrt::DeviceId device,
                                const graphrt::DeviceRegistry& registry) {
  const std::string text = small_products(machine.devices[device].name);
  std::vector<StreamTime> times;
  for (const int32_t num_streams : kCandidates) {
    TRY(const double step_s,
        seconds_per_step(machine, device, num_streams, text, kStreamsBudget, registry));
    times.push_back({num_streams, step_s});
  }
  return fewest_streams(times);
}

int32_t fewest_streams(std::span<const StreamTime> times) {
  const double shortest_s = std::ranges::min(times, {}, &StreamTime::step_s).step_s;
  return std::ranges::find_if(
             times,
             [&](const StreamTime& time) { return time.step_s <= kHardlyLonger * shortest_s; })
      ->num_streams;
}

}  // namespace graphprobe
