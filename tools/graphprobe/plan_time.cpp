#include "tools/graphprobe/plan_time.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "compiler/compile.h"
#include "compiler/frontend/parse_graph.h"
#include "runtime/session/session.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Result;

/// An accelerator's step is one recorded launch. A CPU's is so quick that one step would drown in
/// what it takes to wake a worker.
constexpr int64_t kStepsOnAccelerator = 1;
constexpr int64_t kStepsOnCpu = 100;

/// `device` with so many lanes, and its host.
graphc::Machine only(const graphc::Machine& machine, graphrt::DeviceId device, int32_t num_lanes) {
  graphc::Machine narrow = machine;
  narrow.devices = {};
  narrow.links.clear();
  const graphrt::DeviceId host = narrow.devices.push_back(machine.devices[machine.host()]);
  narrow.devices[host].num_lanes = device == machine.host() ? num_lanes : 1;
  if (device != machine.host()) {
    const graphrt::DeviceId other = narrow.devices.push_back(machine.devices[device]);
    narrow.devices[other].num_lanes = num_lanes;
    for (graphc::LinkDirection link : machine.links) {
      const bool is_to = link.from == machine.host() && link.to == device;
      const bool is_back = link.from == device && link.to == machine.host();
      if (!is_to && !is_back) continue;
      link.from = is_to ? host : other;
      link.to = is_to ? other : host;
      narrow.links.push_back(link);
    }
  }
  return narrow;
}

/// Errors: none that a user can cause, so what the compiler says is passed on as it is.
Result<graphrt::Plan> compile_text(const graphc::Machine& machine, const std::string& text) {
  graphc::DiagnosticSink diagnostics;
  const graphc::SourceFile file{"probe.graph", text};
  auto compilation =
      graphc::parse_graph(std::make_shared<const graphc::SourceFile>(file), diagnostics)
          .and_then([&](const graphc::GraphRequest& request) {
            return graphc::compile(request, machine, {}, diagnostics);
          });
  if (compilation) return std::move(compilation->plan);
  return graphrt::machine_error("a graph to be timed does not compile: " +
                                compilation.error().message + diagnostics.render_all());
}

}  // namespace

Result<double> seconds_per_step(const graphc::Machine& machine, graphrt::DeviceId device,
                                int32_t num_lanes, const std::string& text,
                                std::chrono::milliseconds budget,
                                const graphrt::DeviceRegistry& registry) {
  const std::string& kind = machine.devices[device].kind;
  const bool is_cpu = kind == "cpu";
  graphrt::SessionOptions options;
  if (!is_cpu) options.devices.choice = kind;
  TRY(graphrt::Plan plan, compile_text(only(machine, device, num_lanes), text));
  TRY(graphrt::Session session, graphrt::Session::create(std::move(plan), ".", options, registry));
  const int64_t num_steps = is_cpu ? kStepsOnCpu : kStepsOnAccelerator;
  TRY(const double total_s, median_seconds([&] { return session.run(num_steps); }, budget));
  return total_s / static_cast<double>(num_steps);
}

Result<double> seconds_per_operator(const graphc::Machine& machine, graphrt::DeviceId device,
                                    const ChainText& text, int32_t shorter, int32_t longer,
                                    std::chrono::milliseconds budget,
                                    const graphrt::DeviceRegistry& registry) {
  const std::string& name = machine.devices[device].name;
  TRY(const double short_s,
      seconds_per_step(machine, device, 1, text(name, shorter), budget, registry));
  TRY(const double long_s,
      seconds_per_step(machine, device, 1, text(name, longer), budget, registry));
  return std::max(long_s - short_s, 0.0) / (longer - shorter);
}

}  // namespace graphprobe
