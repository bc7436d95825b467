#include "tools/graphprobe/measure_launch.h"

#include <fmt/core.h>

#include "tools/graphprobe/plan_time.h"

namespace graphprobe {
namespace {

constexpr int32_t kShortLaunchChain = 2;
constexpr int32_t kLongLaunchChain = 200;
constexpr std::chrono::milliseconds kLaunchBudget{300};

/// `%n0 = relu(%x)`, `%n1 = relu(%n0)` and so on, the last being the next step's %x.
std::string chain_text(const std::string& device, int32_t length) {
  std::string text = "graph chain\nstate %x : f32[64] init zeros device " + device + "\n";
  std::string previous = "x";
  for (int32_t i = 0; i < length; ++i) {
    const std::string name = fmt::format("n{}", i);
    text += fmt::format("%{} = relu(%{}) device {} keep{}\n", name, previous, device,
                        i + 1 == length ? " updates %x" : "");
    previous = name;
  }
  return text + fmt::format("output %{} on {}\n", previous, device);
}

}  // namespace

graphrt::Result<double> measure_launch(const graphc::Machine& machine, graphrt::DeviceId device,
                                       const graphrt::DeviceRegistry& registry) {
  return seconds_per_operator(machine, device, chain_text, kShortLaunchChain, kLongLaunchChain,
                              kLaunchBudget, registry);
}

}  // namespace graphprobe
