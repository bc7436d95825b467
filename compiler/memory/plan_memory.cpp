#include <algorithm>
#include <limits>

#include "compiler/memory/assign_arenas.h"
#include "compiler/memory/chains.h"
#include "compiler/memory/conflicts.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/memory/passed_bytes.h"
#include "compiler/memory/reuse_order.h"
#include "compiler/solve/packing/circle_overlaps.h"
#include "compiler/solve/packing/pack_lives.h"

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
  MemoryPlanner(const Shared<Schedule>& schedule, const MemoryLimits& limits,
                const PairBudget& budget)
      : limits_(limits),
        budget_(budget),
        lanes_(schedule),
        accesses_(value_accesses(schedule, lanes_)),
        outer_(outer_accesses(accesses_)),
        enforced_(enforced_order(schedule, lanes_)),
        reuse_(schedule, lanes_, enforced_) {
    plan_.schedule = schedule;
    const ArenaAssignment assigned = assign_arenas(plan_.schedule->tasks);
    plan_.arenas = assigned.arenas;
    exclusive_ = IdVector<ArenaId, std::vector<PlacedValueId>>(plan_.arenas.size());
    shared_ = exclusive_;
    const IdVector<PlacedValueId, bool> is_exclusive = find_exclusive(schedule);
    for (const PlacedValueId value : placed().values.ids()) {
      plan_.buffers.push_back(buffer_for(value, assigned.arena_of[value]));
      (is_exclusive[value] ? exclusive_ : shared_)[assigned.arena_of[value]].push_back(value);
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
      // What shares with nobody lies below all others.
      const int64_t kept_bytes = place_exclusive(arena.arena);
      plan_.arenas[arena.arena].size_bytes = kept_bytes + arena.packing.arena_bytes;
      plan_.arenas[arena.arena].bound_bytes = kept_bytes + arena.bound_bytes;
      for (size_t i = 0; i < arena.chains.size(); ++i) {
        for (const PlacedValueId value : arena.chains[i].values) {
          plan_.buffers[value].offset_bytes = kept_bytes + arena.packing.offset_bytes[RequestId(i)];
        }
      }
      if (best.policy != ReusePolicy::kAsEnforced) add_reuse_edges(arena.arena);
    }
  }

  int64_t place_exclusive(ArenaId arena) {
    int64_t offset_bytes = 0;
    for (const PlacedValueId value : exclusive_[arena]) {
      plan_.buffers[value].offset_bytes = offset_bytes;
      offset_bytes += plan_.buffers[value].extent_bytes();
    }
    return offset_bytes;
  }

  int64_t exclusive_bytes(ArenaId arena) const {
    int64_t num_bytes = 0;
    for (const PlacedValueId value : exclusive_[arena]) {
      num_bytes += plan_.buffers[value].extent_bytes();
    }
    return num_bytes;
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
        packing.size_bytes += exclusive_bytes(arena) + packing.arenas.back().packing.arena_bytes;
      }
      if (!best || packing.size_bytes < best->size_bytes) best = std::move(packing);
      if (best->size_bytes <= limit_bytes) break;
    }
    return *std::move(best);
  }

  ArenaPacking pack_under(ReusePolicy policy, ArenaId arena) const {
    const LeastDistance distance = reuse_.distances(policy);
    ArenaPacking result{arena, find_chains(placed(), shared_[arena], accesses_, distance), {}, 0};
    PackingProblem problem;
    for (const Chain& chain : result.chains) {
      problem.size_bytes.push_back(plan_.buffers[chain.values.front()].extent_bytes());
    }
    const auto listed = lives_of(result.chains, ReusePolicy::kAsListed);
    const auto num_chains = static_cast<int64_t>(result.chains.size());
    auto conflicts = find_conflicts(result.chains, listed, reuse_, policy,
                                    budget_.to_begin_with + budget_.per_chain * num_chains);
    if (!conflicts) {
      const auto lives = unrolled(lives_of(result.chains, policy), reuse_.num_places());
      result.bound_bytes = max_circle_load_bytes(problem.size_bytes, listed, reuse_.num_places());
      result.packing = pack_lives(problem.size_bytes, lives, result.bound_bytes);
      return result;
    }
    problem.conflicts = *std::move(conflicts);
    result.bound_bytes = packing_bound_bytes(problem);
    result.packing = pack_with_lives(problem, result.bound_bytes, listed);
    return result;
  }

  LaneEnds ends_of(const std::vector<Chain>& chains) const {
    LaneEnds ends(reuse_.num_lanes());
    for (const Chain& chain : chains) {
      for (const ValueAccess& last : chain.ends.last) {
        ends[last.position.lane].push_back(last.position.index);
      }
    }
    for (std::vector<int32_t>& lane : ends) std::sort(lane.begin(), lane.end());
    return ends;
  }

  /// In which no two overlap that conflict under the policy.
  IdVector<RequestId, LiveInterval> lives_of(const std::vector<Chain>& chains,
                                             ReusePolicy policy) const {
    const LaneEnds ends = ends_of(chains);
    IdVector<RequestId, LiveInterval> lives;
    for (const Chain& chain : chains) {
      LiveInterval life{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
      for (const PlacedValueId value : chain.values) {
        const LiveInterval next = policy == ReusePolicy::kAsListed
                                      ? reuse_.listed_life(accesses_[value])
                                      : reuse_.enforced_life(accesses_[value], ends);
        life = {std::min(life.begin, next.begin), std::max(life.end, next.end)};
      }
      lives.push_back(life);
    }
    return lives;
  }

  void add_reuse_edges(ArenaId arena) {
    for (const ValueHandOver& over : hand_overs_in(plan_, arena, reuse_, accesses_)) {
      const auto edges = reuse_.edges_between(outer_[over.from].last, outer_[over.to].first,
                                              over.steps, share_kind(plan_, over.from, over.to),
                                              shift_bytes(plan_, over.from, over.to));
      plan_.reuse_edges.insert(plan_.reuse_edges.end(), edges.begin(), edges.end());
    }
  }

  const MemoryLimits& limits_;
  const PairBudget& budget_;
  MemoryPlan plan_;
  MessageLanes lanes_;
  IdVector<PlacedValueId, std::vector<ValueAccess>> accesses_;
  IdVector<PlacedValueId, OuterAccesses> outer_;
  HappensBefore enforced_;
  ReuseOrder reuse_;
  IdVector<ArenaId, std::vector<PlacedValueId>> exclusive_;
  IdVector<ArenaId, std::vector<PlacedValueId>> shared_;  ///< that may share their bytes
};

}  // namespace

MemoryPlan plan_memory(const Shared<Schedule>& schedule, const MemoryLimits& limits,
                       const PairBudget& budget) {
  return MemoryPlanner(schedule, limits, budget).take();
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
                       placed.type_of(a).size_bytes() == placed.type_of(b).size_bytes();
  return is_same ? ShareKind::kInPlace : ShareKind::kDisjointInTime;
}

int64_t shift_bytes(const MemoryPlan& plan, PlacedValueId a, PlacedValueId b) {
  return plan.buffers[b].offset_bytes - plan.buffers[a].offset_bytes;
}

std::vector<SchedulingEdge> enforced_edges(const MemoryPlan& plan) {
  std::vector<SchedulingEdge> edges = enforced_edges(plan.schedule);
  edges.insert(edges.end(), plan.reuse_edges.begin(), plan.reuse_edges.end());
  return edges;
}

}  // namespace graphc
