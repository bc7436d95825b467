#include "compiler/emit/hosts_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/emit/busy_table.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// For how long the busiest device computes in a step; of a CPU, its workers in the mean.
int64_t longest_work_ns(const TaskGraph& tasks, const Machine& machine) {
  IdVector<DeviceId, int64_t> work_ns(machine.devices.size(), 0);
  for (const Task& task : tasks.tasks) {
    const PlacedOp& op = tasks.placed->ops[task.op];
    if (op.kind != PlacedOpKind::kNode) continue;
    const bool is_shared = shares_compute(machine.devices[op.device]);
    work_ns[op.device] += is_shared ? task.cost.work_ns : task.cost.duration_ns();
  }
  int64_t longest_ns = 0;
  for (const DeviceId id : machine.devices.ids()) {
    const Device& device = machine.devices[id];
    const int64_t num_lanes = shares_compute(device) ? 1 : device.num_lanes;
    longest_ns = std::max(longest_ns, work_ns[id] / num_lanes);
  }
  return longest_ns;
}

struct BusyCards {
  std::string name;
  int64_t busy_ns = 0;
};

/// What is busiest of the hosts' cards.
BusyCards busiest_cards(const TaskGraph& tasks, const Machine& machine) {
  const LaneTable& lanes = tasks.lanes;
  IdVector<SharedResourceId, int64_t> busy_ns(lanes.resource_names.size(), 0);
  for (const Task& task : tasks.tasks) {
    const std::vector<SharedResourceId>& resources = lanes.groups[task.group].resources;
    for (size_t i = 0; i < resources.size(); ++i) busy_ns[resources[i]] += task.cost.shared_ns[i];
  }
  // Those of links stand last, in the order of the machine.
  const size_t first = lanes.resource_names.size() - machine.resources.size();
  BusyCards busiest;
  for (const LinkResourceId id : machine.resources.ids()) {
    const SharedResourceId resource(first + id.index());
    if (!machine.resources[id].is_of_network || busy_ns[resource] <= busiest.busy_ns) continue;
    busiest = {lanes.resource_names[resource], busy_ns[resource]};
  }
  return busiest;
}

}  // namespace

std::string hosts_line(const Compilation& compilation, const Machine& machine) {
  if (machine.hosts.empty()) return "";
  constexpr double kBusyAllTheTime = 95;
  const int64_t interval_ns = compilation.synchronised().interval_ns;
  const int64_t work_ns = longest_work_ns(compilation.tasks(), machine);
  const BusyCards cards = busiest_cards(compilation.tasks(), machine);
  std::string text =
      fmt::format("  hosts       {}, {:.1f} % of a step is work of the busiest device",
                  machine.hosts.size(), percent_of(work_ns, interval_ns));
  if (cards.busy_ns == 0) return text + ", and nothing is sent\n";
  const double busy = percent_of(cards.busy_ns, interval_ns);
  if (busy < kBusyAllTheTime) {
    return text + fmt::format("; {} of it is not hidden, the network is busy for {:.0f} %\n",
                              format_duration(interval_ns - work_ns), busy);
  }
  text += fmt::format("; the network ({}) is busy all the time", cards.name);
  if (work_ns == 0) return text + "\n";
  const double times = static_cast<double>(cards.busy_ns) / static_cast<double>(work_ns);
  return text + fmt::format(", {:.1f} x the rows would hide it\n", times);
}

}  // namespace graphc
