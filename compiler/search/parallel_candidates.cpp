#include "compiler/search/parallel_candidates.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/parallel/divide.h"
#include "compiler/placement/assignment.h"
#include "compiler/search/rows_by_speed.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Devices that update on all of them must get the same bits.
bool updates_on_all(const Parallel& parallel) {
  return parallel.updates == UpdatePlace::kReplicated || parallel.updates == UpdatePlace::kSharded;
}

/// How long the device, all of it, takes for the nodes of the graph.
double time_on(const Graph& graph, DeviceId device, const Machine& machine,
               const CostModel& costs) {
  int64_t time_ns = 1;
  for (const NodeId node : graph.nodes.ids()) {
    time_ns += costs.node_cost(graph, node, device).duration_ns();
  }
  const Device& where = machine.devices[device];
  // Workers of a CPU share what is large; streams of a GPU share the whole of it.
  const double lanes = shares_compute(where) ? 1 : where.num_lanes;
  return static_cast<double>(time_ns) / lanes;
}

constexpr const char* kWithUpdates = " with updates on ";

/// How fast all accelerators of a kind are together at products, by kind.
std::string fastest_kind(const Machine& machine) {
  std::map<std::string, double> rates;
  for (const DeviceId id : machine.devices.ids()) {
    const Device& device = machine.devices[id];
    if (!machine.is_host(id)) rates[device.kind] += device.rates.at("matmul_f32");
  }
  const auto fastest = std::max_element(
      rates.begin(), rates.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return fastest == rates.end() ? machine.devices[machine.host()].kind : fastest->first;
}

/// What a batch over all hosts is divided over.
std::vector<DeviceId> devices_of_hosts(const Machine& machine) {
  const std::string kind = fastest_kind(machine);
  std::vector<DeviceId> devices;
  for (const DeviceId id : machine.devices.ids()) {
    if (machine.devices[id].kind == kind) devices.push_back(id);
  }
  return devices;
}

/// Devices of one host are of one make where they are of one kind; what different ones round
/// differently would stay different, on each host more so with every step.
bool check_alike(const Parallel& parallel, const Machine& machine, DiagnosticSink& diagnostics) {
  const Device& first = machine.devices[*machine.find_device(parallel.batch[0].device)];
  for (const BatchPart& part : parallel.batch) {
    const Device& device = machine.devices[*machine.find_device(part.device)];
    if (device.host == first.host || device.kind != first.kind || is_alike(first, device)) continue;
    diagnostics.error(parallel.update_where,
                      "'" + first.name + "' and '" + device.name +
                          "' are not alike: what each of them updates would drift apart",
                      "with `update_on: shards` every row is updated once, and sent");
    return false;
  }
  return true;
}

class Chooser {
 public:
  Chooser(const GraphRequest& request, const Parallel& asked, const Machine& machine,
          const CostModel& costs)
      : request_(request),
        graph_(request.forward),
        asked_(asked),
        machine_(machine),
        costs_(costs) {}

  /// The ways that `parallel` leaves open: where sums and updates run, or all.
  std::vector<ParallelCandidate> candidates() const {
    std::vector<ParallelCandidate> all;
    if (asked_.kind == ParallelKind::kBatch) {
      add_division(asked_, all);
      return all;
    }
    all.push_back({"undivided", std::nullopt, undivided_ns()});
    std::vector<DeviceId> accelerators;
    for (const DeviceId device : machine_.devices.ids()) {
      const bool is_first = machine_.devices[device].host == HostId(0);
      if (is_first && !machine_.is_host(device)) accelerators.push_back(device);
    }
    DiagnosticSink unused;
    const auto batch = find_batch_size(graph_, asked_.where, unused);
    const size_t most_parts = batch ? static_cast<size_t>(*batch) : 1;
    for (size_t count = 2; count <= std::min(accelerators.size(), most_parts); ++count) {
      add_division(batch_over({accelerators.begin(),
                               accelerators.begin() + static_cast<std::ptrdiff_t>(count)}),
                   all);
    }
    if (!accelerators.empty() && accelerators.size() < most_parts) {
      accelerators.insert(accelerators.begin(), machine_.host());
      add_division(batch_over(accelerators), all);
    }
    const std::vector<DeviceId> of_hosts = devices_of_hosts(machine_);
    if (!machine_.hosts.empty() && of_hosts.size() <= most_parts) {
      add_division(batch_over(of_hosts), all);
    }
    return all;
  }

 private:
  /// With rows for every part. What cannot be divided stays as it is, for `divide` to report.
  Parallel with_rows(Parallel parallel) const {
    DiagnosticSink unused;
    const auto batch = find_batch_size(graph_, asked_.where, unused);
    const bool is_open = !parallel.batch.empty() && !parallel.batch[0].rows;
    if (!batch || !is_open || *batch < static_cast<int64_t>(parallel.batch.size())) {
      return parallel;
    }
    std::vector<double> times;
    for (const BatchPart& part : parallel.batch) {
      times.push_back(time_on(graph_, *machine_.find_device(part.device), machine_, costs_));
    }
    const std::vector<int64_t> rows = rows_by_speed(*batch, times);
    for (size_t i = 0; i < rows.size(); ++i) parallel.batch[i].rows = rows[i];
    return parallel;
  }

  double time_on_whole(DeviceId device) const { return time_on(graph_, device, machine_, costs_); }

  double undivided_ns() const {
    double least_ns = time_on_whole(machine_.host());
    for (const DeviceId device : machine_.devices.ids()) {
      least_ns = std::min(least_ns, time_on_whole(device));
    }
    return least_ns;
  }

  double slowest_ns(const Parallel& parallel) const {
    double num_rows = 0;
    for (const BatchPart& part : parallel.batch) {
      num_rows += static_cast<double>(part.rows.value_or(1));
    }
    double slowest_ns = 0;
    for (const BatchPart& part : parallel.batch) {
      const double share = static_cast<double>(part.rows.value_or(1)) / num_rows;
      slowest_ns = std::max(slowest_ns, share * time_on_whole(*machine_.find_device(part.device)));
    }
    return slowest_ns;
  }

  Parallel batch_over(const std::vector<DeviceId>& devices) const {
    Parallel parallel;
    parallel.kind = ParallelKind::kBatch;
    parallel.where = asked_.where;
    for (const DeviceId device : devices) {
      parallel.batch.push_back({machine_.devices[device].name, std::nullopt, parallel.where});
    }
    return on_machine(std::move(parallel), machine_);
  }

  /// The division as it is, and if it leaves that open with all updates on each of its devices.
  void add_division(const Parallel& asked, std::vector<ParallelCandidate>& all) const {
    const Parallel parallel = with_rows(asked);
    const std::string name = "batch over " + text_of_parts(parallel.batch);
    const auto add = [&](UpdatePlace updates) {
      Parallel candidate = parallel;
      candidate.updates = updates;
      const auto text = text_of_updates(candidate);
      all.push_back({name + (text ? kWithUpdates + *text : ""), candidate, slowest_ns(candidate)});
    };
    const bool is_open = parallel.updates == UpdatePlace::kAuto && may_update_on_all(parallel);
    const bool is_over_hosts = parallel.batch.front().host != parallel.batch.back().host;
    // Between many hosts, whole gradients would be too much.
    constexpr size_t kMostPartsOfWhole = 8;
    if (is_open && is_over_hosts && parallel.batch.size() > kMostPartsOfWhole) {
      return add(UpdatePlace::kSharded);
    }
    add(parallel.updates);
    if (!is_open) return;
    DiagnosticSink unused;
    if (check_alike(parallel, machine_, unused)) add(UpdatePlace::kReplicated);
    // Between two devices, shards are as many bytes as whole gradients, and take a hop more.
    if (parallel.batch.size() > 2 || is_over_hosts) add(UpdatePlace::kSharded);
  }

  /// Many that are alike are told by their number.
  static std::string text_of_parts(const std::vector<BatchPart>& batch) {
    constexpr size_t kMaxNames = 8;
    std::vector<std::string> names;
    for (const BatchPart& part : batch) {
      names.push_back(part.device + (part.rows ? " " + std::to_string(*part.rows) : ""));
    }
    const bool is_over_hosts = batch.front().host != batch.back().host;
    if (!is_over_hosts || names.size() <= kMaxNames) return join(names, ", ");
    return std::to_string(names.size()) + " devices, " + names.front() + " to " + names.back();
  }

  bool may_update_on_all(const Parallel& parallel) const {
    const bool has_updates =
        request_.training || std::any_of(graph_.nodes.begin(), graph_.nodes.end(),
                                         [](const Node& node) { return node.updates.has_value(); });
    const auto kind_of = [&](const BatchPart& part) -> const std::string& {
      return machine_.devices[*machine_.find_device(part.device)].kind;
    };
    return has_updates && parallel.batch.size() > 1 &&
           std::all_of(parallel.batch.begin(), parallel.batch.end(), [&](const BatchPart& part) {
             return kind_of(part) == kind_of(parallel.batch[0]);
           });
  }

  const GraphRequest& request_;
  const Graph& graph_;
  const Parallel& asked_;
  const Machine& machine_;
  const CostModel& costs_;
};

}  // namespace

Parallel on_machine(Parallel parallel, const Machine& machine) {
  const bool is_all = parallel.batch.size() == 1 && parallel.batch[0].device == kAllHosts &&
                      !machine.find_device(parallel.batch[0].device);
  if (is_all) {
    const BatchPart asked = parallel.batch[0];
    parallel.batch.clear();
    for (const DeviceId device : devices_of_hosts(machine)) {
      parallel.batch.push_back({machine.devices[device].name, std::nullopt, asked.where});
    }
  }
  if (machine.hosts.empty()) return parallel;
  const auto host_of = [&](const std::string& name) {
    const auto device = machine.find_device(name);
    return device ? machine.devices[*device].host : HostId(0);
  };
  for (BatchPart& part : parallel.batch) part.host = host_of(part.device);
  parallel.update_host = host_of(parallel.update_device);
  parallel.result_device = machine.devices[machine.host()].name;
  return parallel;
}

bool check_parallel(const Parallel& parallel, const Machine& machine, DiagnosticSink& diagnostics) {
  const size_t errors_before = diagnostics.num_errors();
  for (const BatchPart& part : parallel.batch) {
    find_device(part.device, part.where, machine, diagnostics);
  }
  if (parallel.updates == UpdatePlace::kOneDevice) {
    find_device(parallel.update_device, parallel.update_where, machine, diagnostics);
  }
  const bool is_on_all = updates_on_all(parallel);
  if (is_on_all && machine.find_device(*text_of_updates(parallel))) {
    diagnostics.error(parallel.update_where,
                      "machine '" + machine.name + "' has a device '" + *text_of_updates(parallel) +
                          "', which `update_on` cannot tell from all devices of the batch",
                      "give the device another name");
  }
  if (diagnostics.num_errors() > errors_before) return false;
  const auto device_of = [&](const BatchPart& part) { return *machine.find_device(part.device); };
  const bool is_replicated = parallel.updates == UpdatePlace::kReplicated;
  if (is_replicated && !check_alike(parallel, machine, diagnostics)) return false;
  return !is_on_all ||
         std::all_of(parallel.batch.begin(), parallel.batch.end(), [&](const BatchPart& part) {
           return check_same_kind(device_of(parallel.batch[0]), device_of(part),
                                  parallel.update_where, machine, diagnostics);
         });
}

Result<ParallelChoice> parallel_candidates(const GraphRequest& request, const Machine& machine,
                                           const CostModel& costs, DiagnosticSink& diagnostics) {
  ParallelChoice choice;
  if (!request.parallel) return choice;
  const Parallel asked = on_machine(*request.parallel, machine);
  if (!check_parallel(asked, machine, diagnostics)) return reported();
  choice.candidates = Chooser(request, asked, machine, costs).candidates();
  choice.parallel = choice.candidates[0].parallel;
  return choice;
}

}  // namespace graphc
