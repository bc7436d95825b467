#include "tools/graphprobe/measure_launch.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "compiler/compile.h"
#include "compiler/graph/graph_text.h"
#include "runtime/engine/session.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Result;

constexpr int32_t kShortChain = 2;
constexpr int32_t kLongChain = 200;
/// An accelerator's chain is one recorded launch. A CPU's is so quick that one step would drown in
/// what it takes to wake a worker.
constexpr int64_t kStepsOnAccelerator = 1;
constexpr int64_t kStepsOnCpu = 100;

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

/// Errors: none that a user can cause, so what the compiler says is passed on as it is.
Result<graphrt::Plan> compile_chain(const graphc::Machine& machine, const std::string& device,
                                    int32_t length) {
  graphc::DiagnosticSink diagnostics;
  const graphc::SourceFile file{"chain.graph", chain_text(device, length)};
  auto compilation =
      graphc::parse_graph(std::make_shared<const graphc::SourceFile>(file), diagnostics)
          .and_then([&](const graphc::Graph& graph) {
            return graphc::compile(graph, machine, {}, diagnostics);
          });
  if (compilation) return std::move(compilation->plan);
  return graphrt::machine_error("the chain for " + device + " does not compile: " +
                                compilation.error().message + diagnostics.render_all());
}

Result<double> seconds_of_chain(const graphc::Machine& machine, const graphc::Device& device,
                                int32_t length, const graphrt::DeviceRegistry& registry) {
  const bool is_cpu = device.kind == "cpu";
  graphrt::SessionOptions options;
  if (!is_cpu) options.devices.choice = device.kind;
  TRY(graphrt::Plan plan, compile_chain(machine, device.name, length));
  TRY(graphrt::Session session, graphrt::Session::create(std::move(plan), ".", options, registry));
  const int64_t num_steps = is_cpu ? kStepsOnCpu : kStepsOnAccelerator;
  TRY(const double total_s,
      median_seconds([&] { return session.run(num_steps); }, std::chrono::milliseconds(300)));
  return total_s / static_cast<double>(num_steps);
}

}  // namespace

Result<double> measure_launch(const graphc::Machine& machine, graphrt::DeviceId device,
                              const graphrt::DeviceRegistry& registry) {
  // One lane a device, so that the whole chain is on one.
  graphc::Machine narrow = machine;
  for (graphc::Device& each : narrow.devices) each.num_lanes = 1;
  const graphc::Device& target = narrow.devices[device];
  TRY(const double short_s, seconds_of_chain(narrow, target, kShortChain, registry));
  TRY(const double long_s, seconds_of_chain(narrow, target, kLongChain, registry));
  return std::max(long_s - short_s, 0.0) / (kLongChain - kShortChain);
}

}  // namespace graphprobe
