#include <algorithm>
#include <map>

#include "compiler/memory/memory_peak.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/memory/reuse_order.h"

namespace graphc {
namespace {

/// Values that keep their bytes to themselves for the whole run.
IdVector<PlacedValueId, bool> find_exclusive(const Schedule& schedule) {
  const PlacedGraph& placed = schedule.tasks.placed;
  IdVector<PlacedValueId, bool> is_exclusive(placed.values.size(), false);
  for (const PlacedValueId value : placed.values.ids()) {
    is_exclusive[value] = placed.is_filled_at_load(value) || schedule.versions[value] > 1;
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) is_exclusive[output->value] = true;
  }
  return is_exclusive;
}

/// Values that lie in the same bytes from the start: each is written over the one before it.
using Chain = std::vector<PlacedValueId>;

/// A device's values under one policy.
struct DevicePacking {
  ReusePolicy policy = ReusePolicy::kAsEnforced;
  std::vector<Chain> chains;
  Packing packing;
  int64_t bound_bytes = 0;
};

class MemoryPlanner {
 public:
  MemoryPlanner(const Schedule& schedule, const MemoryLimits& limits)
      : limits_(limits),
        accesses_(value_accesses(schedule)),
        enforced_(enforced_order(schedule)),
        reuse_(schedule, enforced_),
        is_exclusive_(find_exclusive(schedule)) {
    plan_.schedule = schedule;
    for (const PlacedValueId value : placed().values.ids()) {
      plan_.buffers.push_back(buffer_for(value));
    }
    for (const DeviceId device : limits.ids()) plan_.arenas.push_back(plan_device(device));
  }

  MemoryPlan take() { return std::move(plan_); }

 private:
  const PlacedGraph& placed() const { return plan_.schedule.tasks.placed; }

  PlannedBuffer buffer_for(PlacedValueId value) const {
    PlannedBuffer buffer;
    buffer.value = value;
    buffer.device = placed().values[value].device;
    buffer.stride_bytes = aligned_bytes(placed().type_of(value).size_bytes());
    buffer.versions = plan_.schedule.versions[value];
    return buffer;
  }

  PlannedArena plan_device(DeviceId device) {
    std::vector<PlacedValueId> values;
    for (const PlannedBuffer& buffer : plan_.buffers) {
      if (buffer.device == device) values.push_back(buffer.value);
    }
    const DevicePacking best = pack_within(limits_[device], values);
    for (size_t i = 0; i < best.chains.size(); ++i) {
      for (const PlacedValueId value : best.chains[i]) {
        plan_.buffers[value].offset_bytes = best.packing.offset_bytes[RequestId(i)];
      }
    }
    if (best.policy != ReusePolicy::kAsEnforced) add_reuse_edges(best.policy, values);
    return {device, best.packing.arena_bytes, best.bound_bytes};
  }

  /// The first policy that keeps within the limit, else the one that needs least.
  DevicePacking pack_within(int64_t limit_bytes, const std::vector<PlacedValueId>& values) const {
    std::optional<DevicePacking> best;
    for (const ReusePolicy policy :
         {ReusePolicy::kAsEnforced, ReusePolicy::kAsTimed, ReusePolicy::kAsListed}) {
      DevicePacking packing = pack_under(policy, values);
      if (!best || packing.packing.arena_bytes < best->packing.arena_bytes) {
        best = std::move(packing);
      }
      if (best->packing.arena_bytes <= limit_bytes) break;
    }
    return *std::move(best);
  }

  DevicePacking pack_under(ReusePolicy policy, const std::vector<PlacedValueId>& values) const {
    const LeastDistance distance = reuse_.distances(policy);
    DevicePacking result{policy, chains_of(values, distance), {}, 0};
    PackingProblem problem;
    problem.conflicts = IdVector<RequestId, std::vector<RequestId>>(result.chains.size());
    for (const Chain& chain : result.chains) {
      problem.size_bytes.push_back(plan_.buffers[chain.front()].extent_bytes());
    }
    for (const RequestId a : problem.size_bytes.ids()) {
      for (const RequestId b : problem.size_bytes.ids()) {
        if (b >= a) break;
        if (take_turns(result.chains[a.index()], result.chains[b.index()], distance)) continue;
        problem.conflicts[a].push_back(b);
        problem.conflicts[b].push_back(a);
      }
    }
    for (auto& others : problem.conflicts) std::sort(others.begin(), others.end());
    result.packing = pack(problem);
    result.bound_bytes = packing_bound_bytes(problem);
    return result;
  }

  /// Every value by itself, or behind the one it can be written over.
  std::vector<Chain> chains_of(const std::vector<PlacedValueId>& values,
                               const LeastDistance& distance) const {
    std::vector<Chain> chains;
    std::map<PlacedValueId, size_t> chain_of;
    for (const PlacedValueId value : by_producer(values)) {
      const auto chain = find_chain(value, chains, chain_of, distance);
      if (!chain) chains.emplace_back();
      chain_of[value] = chain.value_or(chains.size() - 1);
      chains[chain_of[value]].push_back(value);
    }
    return chains;
  }

  /// A value comes after what it is computed from.
  std::vector<PlacedValueId> by_producer(std::vector<PlacedValueId> values) const {
    const auto first_op = [&](PlacedValueId value) {
      const auto& producers = placed().values[value].producers;
      return producers.empty() ? -1 : producers.front().value();
    };
    std::stable_sort(values.begin(), values.end(),
                     [&](PlacedValueId a, PlacedValueId b) { return first_op(a) < first_op(b); });
    return values;
  }

  std::optional<size_t> find_chain(PlacedValueId value, const std::vector<Chain>& chains,
                                   const std::map<PlacedValueId, size_t>& chain_of,
                                   const LeastDistance& distance) const {
    const std::vector<PlacedOpId>& producers = placed().values[value].producers;
    if (is_exclusive_[value] || producers.empty()) return std::nullopt;
    const PlacedOp& op = placed().ops[producers.front()];
    for (const PlacedOperand& read : op.reads) {
      if (is_exclusive_[read.value] || !may_write_over(placed(), op, read.value)) continue;
      const size_t chain = chain_of.at(read.value);
      const bool fits =
          std::all_of(chains[chain].begin(), chains[chain].end(), [&](PlacedValueId member) {
            return turns_of(member, value, ShareKind::kInPlace, distance).has_value();
          });
      if (fits) return chain;
    }
    return std::nullopt;
  }

  bool take_turns(const Chain& a, const Chain& b, const LeastDistance& distance) const {
    return std::all_of(a.begin(), a.end(), [&](PlacedValueId in_a) {
      return std::all_of(b.begin(), b.end(), [&](PlacedValueId in_b) {
        return turns_of(in_a, in_b, ShareKind::kInTurn, distance).has_value();
      });
    });
  }

  std::optional<Turns> turns_of(PlacedValueId a, PlacedValueId b, ShareKind kind,
                                const LeastDistance& distance) const {
    if (is_exclusive_[a] || is_exclusive_[b]) return std::nullopt;
    return find_turns(placed(), accesses_[a], accesses_[b], kind, distance);
  }

  void add_reuse_edges(ReusePolicy policy, const std::vector<PlacedValueId>& values) {
    const LeastDistance distance = reuse_.distances(policy);
    for (const PlacedValueId a : values) {
      for (const PlacedValueId b : values) {
        if (b >= a || !share_bytes(plan_.buffers[a], plan_.buffers[b])) continue;
        const ShareKind kind = share_kind(plan_, a, b);
        const auto turns = turns_of(a, b, kind, distance);
        CHECK(turns, "what shares bytes takes turns");
        const auto edges = reuse_.edges_between(accesses_[a], accesses_[b], *turns);
        plan_.reuse_edges.insert(plan_.reuse_edges.end(), edges.begin(), edges.end());
      }
    }
  }

  const MemoryLimits& limits_;
  MemoryPlan plan_;
  IdVector<PlacedValueId, std::vector<ValueAccess>> accesses_;
  HappensBefore enforced_;
  ReuseOrder reuse_;
  IdVector<PlacedValueId, bool> is_exclusive_;
};

constexpr size_t kMostNamesOfAPeak = 8;

/// `  peak 1536 bytes at 400 ns (while b): w@cpu 512, a@cpu 512, b@cpu 512`.
std::string peak_line(const MemoryPlan& plan, const PlannedArena& arena) {
  const ArenaPeak peak = arena_peak(plan, arena);
  std::string text = "  peak " + std::to_string(peak.num_bytes) + " bytes ";
  if (peak.task) {
    text += "at " + format_duration(peak.at_ns) + " (while " +
            plan.schedule.tasks.tasks[*peak.task].name + ")";
  } else {
    text += "all the time";
  }
  for (size_t i = 0; i < std::min(peak.alive.size(), kMostNamesOfAPeak); ++i) {
    text += (i == 0 ? ": " : ", ") + plan.schedule.tasks.placed.values[peak.alive[i].value].name +
            " " + std::to_string(peak.alive[i].num_bytes);
  }
  if (peak.alive.size() > kMostNamesOfAPeak) {
    text += " and " + std::to_string(peak.alive.size() - kMostNamesOfAPeak) + " more";
  }
  return text + "\n";
}

}  // namespace

MemoryPlan plan_memory(const Schedule& schedule, const MemoryLimits& limits) {
  return MemoryPlanner(schedule, limits).take();
}

int64_t peak_bytes(const MemoryPlan& plan, DeviceId device) {
  int64_t num_bytes = 0;
  for (const PlannedArena& arena : plan.arenas) {
    if (arena.device == device) num_bytes += arena.size_bytes;
  }
  return num_bytes;
}

std::optional<MemoryExcess> find_excess(const MemoryPlan& plan, const MemoryLimits& limits) {
  for (const DeviceId device : limits.ids()) {
    const int64_t needed_bytes = peak_bytes(plan, device);
    if (needed_bytes > limits[device]) return MemoryExcess{device, needed_bytes, limits[device]};
  }
  return std::nullopt;
}

bool share_bytes(const PlannedBuffer& a, const PlannedBuffer& b) {
  return a.device == b.device && a.offset_bytes < b.offset_bytes + b.extent_bytes() &&
         b.offset_bytes < a.offset_bytes + a.extent_bytes();
}

ShareKind share_kind(const MemoryPlan& plan, PlacedValueId a, PlacedValueId b) {
  const PlacedGraph& placed = plan.schedule.tasks.placed;
  const bool is_same = plan.buffers[a].offset_bytes == plan.buffers[b].offset_bytes &&
                       placed.type_of(a) == placed.type_of(b);
  return is_same ? ShareKind::kInPlace : ShareKind::kInTurn;
}

std::vector<SchedulingEdge> enforced_edges(const MemoryPlan& plan) {
  std::vector<SchedulingEdge> edges = enforced_edges(plan.schedule);
  edges.insert(edges.end(), plan.reuse_edges.begin(), plan.reuse_edges.end());
  return edges;
}

std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine) {
  std::string text = "memory " + plan.schedule.tasks.placed.graph.name + "\n";
  for (const PlannedArena& arena : plan.arenas) {
    text += "arena " + machine.devices[arena.device].name + "  " +
            std::to_string(arena.size_bytes) + " bytes, bound " +
            std::to_string(arena.bound_bytes) + "\n";
    const std::vector<PlacedValueId> values = values_in(plan, arena);
    if (!values.empty()) text += peak_line(plan, arena);
    for (const PlacedValueId value : values) {
      const PlannedBuffer& buffer = plan.buffers[value];
      text += "  [" + std::to_string(buffer.offset_bytes) + ", " +
              std::to_string(buffer.offset_bytes + buffer.extent_bytes()) + ")  " +
              plan.schedule.tasks.placed.values[buffer.value].name + "  " +
              std::to_string(buffer.versions) + (buffer.versions == 1 ? " version" : " versions") +
              "\n";
    }
  }
  return text;
}

}  // namespace graphc
