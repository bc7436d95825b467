#include <algorithm>
#include <limits>
#include <map>

#include "compiler/memory/assign_arenas.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/memory/pack_lives.h"
#include "compiler/memory/reuse_order.h"

namespace graphc {
namespace {

/// Values that keep their bytes to themselves for the whole run.
IdVector<PlacedValueId, bool> find_exclusive(const Schedule& schedule) {
  const PlacedGraph& placed = schedule.tasks->placed;
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

struct ArenaPacking {
  ArenaId arena;
  std::vector<Chain> chains;
  Packing packing;
  int64_t bound_bytes = 0;
};

/// A device's arenas under one policy.
struct DevicePacking {
  ReusePolicy policy = ReusePolicy::kAsEnforced;
  std::vector<ArenaPacking> arenas;
  int64_t size_bytes = 0;  ///< of all together
};

class MemoryPlanner {
 public:
  MemoryPlanner(const Shared<Schedule>& schedule, const MemoryLimits& limits)
      : limits_(limits),
        accesses_(value_accesses(schedule)),
        enforced_(enforced_order(schedule)),
        reuse_(schedule, enforced_),
        is_exclusive_(find_exclusive(schedule)) {
    plan_.schedule = schedule;
    const ArenaAssignment assigned = assign_arenas(placed());
    plan_.arenas = assigned.arenas;
    values_ = IdVector<ArenaId, std::vector<PlacedValueId>>(plan_.arenas.size());
    for (const PlacedValueId value : placed().values.ids()) {
      plan_.buffers.push_back(buffer_for(value, assigned.arena_of[value]));
      values_[assigned.arena_of[value]].push_back(value);
    }
    for (const DeviceId device : limits.ids()) plan_device(device);
  }

  MemoryPlan take() { return std::move(plan_); }

 private:
  const PlacedGraph& placed() const { return plan_.schedule->tasks->placed; }

  PlannedBuffer buffer_for(PlacedValueId value, ArenaId arena) const {
    PlannedBuffer buffer;
    buffer.value = value;
    buffer.arena = arena;
    buffer.stride_bytes = aligned_bytes(placed().type_of(value).size_bytes());
    buffer.versions = plan_.schedule->versions[value];
    return buffer;
  }

  void plan_device(DeviceId device) {
    const DevicePacking best = pack_within(limits_[device], device);
    for (const ArenaPacking& arena : best.arenas) {
      plan_.arenas[arena.arena].size_bytes = arena.packing.arena_bytes;
      plan_.arenas[arena.arena].bound_bytes = arena.bound_bytes;
      for (size_t i = 0; i < arena.chains.size(); ++i) {
        for (const PlacedValueId value : arena.chains[i]) {
          plan_.buffers[value].offset_bytes = arena.packing.offset_bytes[RequestId(i)];
        }
      }
      if (best.policy == ReusePolicy::kAsEnforced) continue;
      add_reuse_edges(best.policy, values_[arena.arena]);
    }
  }

  /// The first policy that keeps within the limit, else the one that needs least.
  DevicePacking pack_within(int64_t limit_bytes, DeviceId device) const {
    std::optional<DevicePacking> best;
    for (const ReusePolicy policy :
         {ReusePolicy::kAsEnforced, ReusePolicy::kAsTimed, ReusePolicy::kAsListed}) {
      DevicePacking packing{policy, {}, 0};
      for (const ArenaId arena : plan_.arenas.ids()) {
        if (plan_.arenas[arena].device != device) continue;
        packing.arenas.push_back(pack_under(policy, arena));
        packing.size_bytes += packing.arenas.back().packing.arena_bytes;
      }
      if (!best || packing.size_bytes < best->size_bytes) best = std::move(packing);
      if (best->size_bytes <= limit_bytes) break;
    }
    return *std::move(best);
  }

  ArenaPacking pack_under(ReusePolicy policy, ArenaId arena) const {
    const LeastDistance distance = reuse_.distances(policy);
    ArenaPacking result{arena, chains_of(values_[arena], distance), {}, 0};
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
    result.bound_bytes = packing_bound_bytes(problem);
    result.packing = pack_with_lives(problem, result.bound_bytes, lives_of(result.chains));
    return result;
  }

  IdVector<RequestId, LiveInterval> lives_of(const std::vector<Chain>& chains) const {
    IdVector<RequestId, LiveInterval> lives;
    for (const Chain& chain : chains) {
      LiveInterval life = reuse_.listed_life(accesses_[chain.front()]);
      for (const PlacedValueId value : chain) {
        const LiveInterval next = reuse_.listed_life(accesses_[value]);
        life = {std::min(life.begin, next.begin), std::max(life.end, next.end)};
      }
      constexpr int64_t kAlways = std::numeric_limits<int64_t>::max();
      lives.push_back(is_exclusive_[chain.front()] ? LiveInterval{0, kAlways} : life);
    }
    return lives;
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
      const auto at = chain_of.find(read.value);
      if (at == chain_of.end() || !may_write_over(placed(), op, read.value)) continue;
      const size_t chain = at->second;
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
  IdVector<ArenaId, std::vector<PlacedValueId>> values_;
};

}  // namespace

MemoryPlan plan_memory(const Shared<Schedule>& schedule, const MemoryLimits& limits) {
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
  return a.arena == b.arena && a.offset_bytes < b.offset_bytes + b.extent_bytes() &&
         b.offset_bytes < a.offset_bytes + a.extent_bytes();
}

ShareKind share_kind(const MemoryPlan& plan, PlacedValueId a, PlacedValueId b) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  const bool is_same = plan.buffers[a].offset_bytes == plan.buffers[b].offset_bytes &&
                       placed.type_of(a) == placed.type_of(b);
  return is_same ? ShareKind::kInPlace : ShareKind::kInTurn;
}

std::vector<SchedulingEdge> enforced_edges(const MemoryPlan& plan) {
  std::vector<SchedulingEdge> edges = enforced_edges(plan.schedule);
  edges.insert(edges.end(), plan.reuse_edges.begin(), plan.reuse_edges.end());
  return edges;
}

}  // namespace graphc
