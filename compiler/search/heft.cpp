#include "compiler/search/heft.h"

#include <algorithm>
#include <limits>
#include <map>

#include "compiler/machine/routes.h"
#include "compiler/placement/row_blocks.h"

namespace graphc {
namespace {

class Heft {
 public:
  Heft(const Graph& graph, const Machine& machine, const CostModel& costs,
       const IdVector<NodeId, std::optional<DeviceId>>& pins)
      : graph_(graph),
        machine_(machine),
        costs_(costs),
        pins_(pins),
        readers_(graph.values.size()),
        rank_(graph.nodes.size()),
        finish_(graph.nodes.size()),
        assignment_(graph.nodes.size()) {
    for (const NodeId node : graph.nodes.ids()) {
      for (const ValueId input : graph.nodes[node].inputs) readers_[input].push_back(node);
    }
    for (const DeviceId device : machine.devices.ids()) {
      const auto num_lanes = static_cast<size_t>(machine.devices[device].num_lanes);
      lane_free_.push_back(std::vector<int64_t>(num_lanes, 0));
    }
    shared_free_ = IdVector<DeviceId, int64_t>(machine.devices.size(), 0);
  }

  Assignment run() {
    rank_nodes();
    std::vector<NodeId> order;
    for (const NodeId node : graph_.nodes.ids()) order.push_back(node);
    // Producers come first: a rank is larger than every successor's.
    std::stable_sort(order.begin(), order.end(), [&](NodeId a, NodeId b) {
      if (rank_[a] != rank_[b]) return rank_[a] > rank_[b];
      return graph_.nodes[a].name < graph_.nodes[b].name;
    });
    for (const NodeId node : order) assign(node);
    return assignment_;
  }

 private:
  using LinkTimes = std::map<const LinkDirection*, int64_t>;  // in no order that matters

  /// When links are free once some more has been sent over them.
  class LinksTaken {
   public:
    explicit LinksTaken(LinkTimes& before) : before_(before) {}
    int64_t& operator[](const LinkDirection* link) {
      const auto at = before_.find(link);
      return taken_.try_emplace(link, at == before_.end() ? 0 : at->second).first->second;
    }
    void keep() const {
      for (const auto& [link, time_ns] : taken_) before_[link] = time_ns;
    }

   private:
    LinkTimes& before_;
    LinkTimes taken_;
  };

  std::vector<DeviceId> allowed(NodeId node) const {
    if (pins_[node]) return {*pins_[node]};
    std::vector<DeviceId> every;
    for (const DeviceId device : machine_.devices.ids()) every.push_back(device);
    return every;
  }

  /// Mean over the devices, as in the paper.
  double mean_cost_ns(NodeId node) const {
    double total = 0;
    const auto devices = allowed(node);
    for (const DeviceId device : devices) {
      total += static_cast<double>(costs_.node_cost(graph_, node, device).duration_ns()) /
               static_cast<double>(num_at_once(node, device));
    }
    return total / static_cast<double>(devices.size());
  }

  /// Lanes that the node occupies together.
  int64_t num_at_once(NodeId node, DeviceId device) const {
    if (shares_compute(machine_.devices[device])) return 1;
    return std::min<int64_t>(std::ssize(row_blocks(graph_, node, costs_.block_sizes())),
                             machine_.devices[device].num_lanes);
  }

  /// Mean over ordered pairs of different devices; half of the pairs count as equal.
  double mean_transfer_ns(ValueId value) const {
    const auto links = links_of_kinds(machine_);
    if (links.empty()) return 0;
    double total = 0;
    for (const LinkDirection& link : links) {
      total += static_cast<double>(
          costs_.copy_cost(link, graph_.type_of(value).size_bytes()).duration_ns());
    }
    return total / static_cast<double>(links.size()) / 2;
  }

  void rank_nodes() {
    for (int32_t i = static_cast<int32_t>(graph_.nodes.size()) - 1; i >= 0; --i) {
      const NodeId node(i);
      double after = 0;
      for (const ValueId result : graph_.nodes[node].results) {
        for (const NodeId reader : readers_[result]) {
          after = std::max(after, mean_transfer_ns(result) + rank_[reader]);
        }
      }
      rank_[node] = mean_cost_ns(node) + after;
    }
  }

  /// When `value` can be in the memory of `device`; takes the links it needs in `link_free`.
  int64_t arrival_ns(ValueId value, DeviceId device, LinksTaken& link_free) const {
    const Value& origin = graph_.values[value];
    if (origin.kind == ValueKind::kState || origin.kind == ValueKind::kConstant) return 0;
    if (const auto known = arrived_.find({value, device}); known != arrived_.end()) {
      return known->second;
    }
    const bool is_input = origin.kind == ValueKind::kInput;
    int64_t time_ns = is_input ? 0 : finish_[*origin.producer];
    const DeviceId home = is_input ? machine_.host_of(device) : assignment_[*origin.producer];
    const auto route = cheapest_route(machine_, home, device);
    if (route.empty() && home != device) return kNever;
    for (const LinkDirection* link : route) {
      int64_t& free_ns = link_free[link];
      const auto cost = costs_.copy_cost(*link, graph_.type_of(value).size_bytes());
      time_ns = std::max(time_ns, free_ns) + cost.duration_ns();
      free_ns = time_ns;
    }
    return time_ns;
  }

  struct Slot {
    DeviceId device;
    std::vector<int64_t> lanes = {};  ///< when each lane of the device is free afterwards
    int64_t shared_free_ns = 0;       ///< and what they share, which is one resource at most
    int64_t end_ns = kNever;
    int64_t score_ns = kNever;  ///< the end, plus the way back of a state
  };

  Slot earliest_on(NodeId node, DeviceId device) {
    LinksTaken link_free(link_free_);
    int64_t ready_ns = 0;
    for (const ValueId input : graph_.nodes[node].inputs) {
      ready_ns = std::max(ready_ns, arrival_ns(input, device, link_free));
    }
    if (ready_ns == kNever) return {device};
    std::vector<int64_t> lanes = lane_free_[device];
    int64_t shared_free_ns = shared_free_[device];
    int64_t end_ns = 0;
    for (const TaskCost& cost : block_costs(node, device)) {
      int64_t& lane_free_ns = *std::min_element(lanes.begin(), lanes.end());
      int64_t work_start_ns = std::max(ready_ns, lane_free_ns) + cost.latency_ns;
      const int64_t shared_ns = cost.shared_ns.front();
      if (shared_ns > 0) work_start_ns = std::max(work_start_ns, shared_free_ns);
      shared_free_ns = work_start_ns + shared_ns;
      lane_free_ns = work_start_ns + cost.work_ns;
      end_ns = std::max(end_ns, lane_free_ns);
    }
    return {device, lanes, shared_free_ns, end_ns, end_ns + way_back_ns(node, device)};
  }

  /// What split_rows will make of the node there, taken as equal blocks.
  std::vector<TaskCost> block_costs(NodeId node, DeviceId device) const {
    const TaskCost whole = costs_.node_cost(graph_, node, device);
    if (shares_compute(machine_.devices[device])) return {whole};
    const auto num_blocks =
        static_cast<int64_t>(row_blocks(graph_, node, costs_.block_sizes()).size());
    const int64_t work_ns = (whole.work_ns + num_blocks - 1) / num_blocks;
    const TaskCost block{whole.latency_ns, work_ns, {whole.shared_ns.front() / num_blocks}};
    return std::vector<TaskCost>(static_cast<size_t>(num_blocks), block);
  }

  /// The longest way of a new state value to a reader that is already placed.
  int64_t way_back_ns(NodeId node, DeviceId device) const {
    if (!graph_.nodes[node].updates) return 0;
    int64_t longest_ns = 0;
    for (const NodeId reader : readers_[*graph_.nodes[node].updates]) {
      if (reader == node || !is_assigned(reader)) continue;
      int64_t way_ns = 0;
      for (const LinkDirection* link : cheapest_route(machine_, device, assignment_[reader])) {
        way_ns += costs_.copy_cost(*link, graph_.type_of(graph_.nodes[node].result()).size_bytes())
                      .duration_ns();
      }
      longest_ns = std::max(longest_ns, way_ns);
    }
    return longest_ns;
  }
  bool is_assigned(NodeId node) const { return finish_[node] > 0; }

  void assign(NodeId node) {
    Slot best;
    bool is_first = true;
    for (const DeviceId device : allowed(node)) {
      const Slot slot = earliest_on(node, device);
      if (!is_first && slot.score_ns >= best.score_ns) continue;
      best = slot;
      is_first = false;
    }
    LinksTaken link_free(link_free_);
    for (const ValueId input : graph_.nodes[node].inputs) {
      arrived_[{input, best.device}] = arrival_ns(input, best.device, link_free);
    }
    link_free.keep();
    assignment_[node] = best.device;
    finish_[node] = best.end_ns;
    lane_free_[best.device] = best.lanes;
    shared_free_[best.device] = best.shared_free_ns;
  }

  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max() / 4;

  const Graph& graph_;
  const Machine& machine_;
  const CostModel& costs_;
  const IdVector<NodeId, std::optional<DeviceId>>& pins_;
  IdVector<ValueId, std::vector<NodeId>> readers_;
  IdVector<NodeId, double> rank_;
  IdVector<NodeId, int64_t> finish_;
  Assignment assignment_;
  IdVector<DeviceId, std::vector<int64_t>> lane_free_;
  IdVector<DeviceId, int64_t> shared_free_;
  LinkTimes link_free_;
  std::map<std::pair<ValueId, DeviceId>, int64_t> arrived_;
};

}  // namespace

Assignment heft(const Graph& graph, const Machine& machine, const CostModel& costs,
                const IdVector<NodeId, std::optional<DeviceId>>& pins) {
  return Heft(graph, machine, costs, pins).run();
}

}  // namespace graphc
