#include "compiler/machine/cost_model.h"

#include <algorithm>
#include <cmath>

#include "compiler/machine/rates.h"
#include "runtime/op/kernel_signature.h"

namespace graphc {
namespace {

/// More than check_figures lets pass, and little enough to be added up a few times.
constexpr double kMaxNs = static_cast<double>(int64_t{1} << 60);

int64_t nanoseconds(double amount, double rate_per_s) {
  return static_cast<int64_t>(std::min(std::ceil(amount / rate_per_s * 1e9), kMaxNs));
}

double rate_of(const Device& device, std::string_view rate) {
  auto at = device.rates.find(std::string(rate));
  if (at == device.rates.end()) {
    at = device.rates.find(std::string(rate_in_place_of(device, rate)));
  }
  CHECK(at != device.rates.end(), "load_machine lets no device pass without its rates");
  return at->second;
}

/// For how long a lane of the CPU keeps the memory from others.
int64_t bandwidth_ns(const Device& device, double num_bytes, int64_t work_ns) {
  if (!shares_bandwidth(device)) return 0;
  return std::min(nanoseconds(num_bytes, rate_of(device, "bytes")), work_ns);
}

/// Memory bandwidth of one lane.
double lane_bytes_per_s(const Device& device) {
  const double all = rate_of(device, "bytes");
  if (shares_compute(device)) return all;
  return device.bytes_per_worker_per_s.value_or(all / device.num_lanes);
}

/// Of a kernel of which nobody has measured what it takes beside others: if it takes more times
/// than this what the rates say, it does not fill the device.
constexpr int64_t kMaxTimesOfRates = 2;

/// A kernel of an accelerator that was measured, and would have to work for `work_ns` by the rates.
/// While it fills the device, others wait; for the rest of its time it waits for itself.
TaskCost measured_cost(const KernelTime& time, int64_t launch_ns, int64_t work_ns) {
  const int64_t after_launch_ns = std::max<int64_t>(time.alone_ns - launch_ns, 1);
  const bool is_full = after_launch_ns <= work_ns * kMaxTimesOfRates;
  const int64_t shared_ns = time.beside_ns.value_or(is_full ? after_launch_ns : work_ns);
  return {std::max(time.alone_ns - shared_ns, int64_t{0}), shared_ns, {shared_ns}};
}

}  // namespace

bool shares_compute(const Device& device) { return device.kind != "cpu"; }

bool shares_bandwidth(const Device& device) {
  return !shares_compute(device) && device.bytes_per_worker_per_s.has_value();
}

TaskCost CostModel::node_cost(const Graph& graph, NodeId id, DeviceId device_id) const {
  const Node& node = graph.nodes[id];
  return kernel_cost(*node.op, graph.input_types(id), graph.result_types(id), node.attributes,
                     device_id);
}

TaskCost CostModel::kernel_cost(const OpInfo& op, std::span<const TensorType> inputs,
                                std::span<const TensorType> results, const Attributes& attributes,
                                DeviceId device_id) const {
  const Device& device = machine_->devices[device_id];
  const Work work = op.work_rule(inputs, results, attributes);
  int64_t work_ns = nanoseconds(work.num_bytes, lane_bytes_per_s(device));
  if (!work.rate.empty()) {
    const double share = shares_compute(device) ? 1.0 : 1.0 / device.num_lanes;
    const double rate = rate_of(device, work.rate) * share;
    work_ns = std::max(work_ns, nanoseconds(work.num_flops, rate));
  }
  work_ns = std::max<int64_t>(work_ns, 1);
  // Memory planning puts it where its operand lies, wherever that can be.
  if (op.in_place == graphrt::InPlace::kView) {
    const bool is_shared = shares_compute(device) || shares_bandwidth(device);
    return {0, 1, {is_shared ? 1 : 0}};
  }
  if (!shares_compute(device)) {
    return {device.launch_ns, work_ns, {bandwidth_ns(device, work.num_bytes, work_ns)}};
  }
  if (const auto time = measured_time(op, inputs, attributes, device)) {
    return measured_cost(*time, device.launch_ns, work_ns);
  }
  // Rates make small kernels short, and a choice must not fall on those that nobody has timed.
  const int64_t least_ns = machine_->least_time_for(device.kind, op.name).value_or(0);
  return {std::max(device.launch_ns, least_ns - work_ns), work_ns, {work_ns}};
}

std::optional<KernelTime> CostModel::measured_time(const OpInfo& op,
                                                   std::span<const TensorType> inputs,
                                                   const Attributes& attributes,
                                                   const Device& device) const {
  if (!machine_->times.contains(device.kind)) return std::nullopt;
  return machine_->time_for(device.kind, kernel_signature(op.name, inputs, attributes));
}

TaskCost CostModel::copy_cost(const LinkDirection& link, int64_t num_bytes) const {
  const auto amount = static_cast<double>(num_bytes);
  TaskCost cost;
  cost.latency_ns = link.latency_ns;
  // Somebody on the host that it comes to takes each message in.
  if (link.is_network) cost.latency_ns += machine_->network->message_ns;
  cost.work_ns = std::max<int64_t>(1, nanoseconds(amount, link.bytes_per_s));
  for (size_t i = 0; i < link.through.size(); ++i) {
    cost.shared_ns[i] = nanoseconds(amount, machine_->resources[link.through[i]].bytes_per_s);
    cost.work_ns = std::max(cost.work_ns, cost.shared_ns[i]);
  }
  return cost;
}

TaskCost CostModel::host_transfer_cost(int64_t num_bytes, DeviceId id) const {
  const Device& host = machine_->devices[id];
  const auto amount = 2 * static_cast<double>(num_bytes);  // read once, written once
  const int64_t work_ns = std::max<int64_t>(1, nanoseconds(amount, lane_bytes_per_s(host)));
  return {host.launch_ns, work_ns, {bandwidth_ns(host, amount, work_ns)}};
}

}  // namespace graphc
