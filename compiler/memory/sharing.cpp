#include "compiler/memory/sharing.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "compiler/solve/schedule/lane_order.h"

namespace graphc {
namespace {

using Accesses = std::vector<ValueAccess>;

struct RowBytes {
  int64_t begin = 0;
  int64_t end = 0;
};

/// Within a value of that type.
RowBytes bytes_of_rows(const TensorType& type, const std::optional<RowRange>& rows) {
  if (!rows || type.rank() == 0) return {0, type.size_bytes()};
  return {row_offset_bytes(type, rows->begin), row_offset_bytes(type, rows->end)};
}

bool intersects(const RowBytes& a, const RowBytes& b) { return a.begin < b.end && b.begin < a.end; }

/// Between accesses of which there are none.
constexpr int32_t kNoReuseDistance = std::numeric_limits<int32_t>::min();

/// The intervals from `first` of step s to `second` of step s + k, as a bound on k.
std::optional<int32_t> reuse_distance_between(const ValueAccess& first, const ValueAccess& second,
                                              const LeastDistance& distance) {
  const auto intervals = distance(first, second);
  if (!intervals) return std::nullopt;
  // first runs in interval s + first.offset, second in interval s + k + second.offset.
  return *intervals + first.interval_offset - second.interval_offset;
}

/// find_reuse_distance where every access needs an order.
std::optional<int32_t> reuse_distance_of_ends(const Accesses& last, const Accesses& first,
                                              const LeastDistance& distance) {
  int32_t reuse_distance = kNoReuseDistance;
  for (const ValueAccess& before : last) {
    for (const ValueAccess& after : first) {
      const auto steps = reuse_distance_between(before, after, distance);
      if (!steps) return std::nullopt;
      reuse_distance = std::max(reuse_distance, *steps);
    }
  }
  return reuse_distance;
}

/// Whether both distances together fit into one step.
bool fit_together(std::optional<int32_t> from_a_to_b, std::optional<int32_t> from_b_to_a) {
  return from_a_to_b && from_b_to_a && int64_t{*from_a_to_b} + *from_b_to_a <= 1;
}

/// Keeps of two accesses on one lane the one that `is_nearer` to the end.
template <class IsNearer>
void keep_end(Accesses& ends, const ValueAccess& access, IsNearer is_nearer) {
  const auto at = std::lower_bound(
      ends.begin(), ends.end(), access.position.lane,
      [](const ValueAccess& end, LaneId lane) { return end.position.lane < lane; });
  if (at == ends.end() || at->position.lane != access.position.lane) {
    ends.insert(at, access);
  } else if (is_nearer(access, *at)) {
    *at = access;
  }
}

bool is_earlier(const ValueAccess& a, const ValueAccess& b) {
  return std::pair(a.interval_offset, a.position.index) <
         std::pair(b.interval_offset, b.position.index);
}

}  // namespace

IdVector<PlacedValueId, std::vector<ValueAccess>> value_accesses(const Schedule& schedule,
                                                                 const MessageLanes& lanes) {
  const PlacedGraph& placed = schedule.tasks->placed;
  IdVector<PlacedValueId, std::vector<ValueAccess>> accesses(placed.values.size());
  const auto add = [&](TaskId task, PlacedValueId value, int32_t distance,
                       const std::optional<RowRange>& rows, bool is_write) {
    const int32_t offset = schedule.solution.tasks[task].stage + distance;
    const Position at = is_write ? lanes.writing(task) : lanes.reading(task);
    accesses[value].push_back(
        {at, offset, task, value, rows_or_all(placed.type_of(value), rows), is_write});
  };
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    const PlacedOp& op = placed.ops[schedule.tasks->tasks[task].op];
    for (const PlacedValueId value : written_values(op)) {
      add(task, value, 0, written_rows(op, value), true);
    }
  }
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    for (const PlacedOperand& read : placed.ops[schedule.tasks->tasks[task].op].reads) {
      add(task, read.value, read.distance, read.rows, false);
    }
  }
  return accesses;
}

HappensBefore enforced_order(const Schedule& schedule, const MessageLanes& lanes,
                             const std::vector<SchedulingEdge>& more) {
  auto edges = enforced_edges(schedule);
  edges.insert(edges.end(), more.begin(), more.end());
  const LaneProgram program = lanes.program(schedule, edges);
  int32_t horizon = 2;
  for (const ScheduledTask& task : schedule.solution.tasks) {
    horizon = std::max(horizon, task.stage + 2);
  }
  for (const SchedulingEdge& edge : more) {
    const int32_t stages =
        schedule.solution.tasks[edge.to].stage - schedule.solution.tasks[edge.from].stage;
    horizon = std::max(horizon, edge.distance + stages + 1);
  }
  return HappensBefore(program, horizon);
}

LeastDistance distances_in(const HappensBefore& order) {
  return [&order](const ValueAccess& first, const ValueAccess& second) {
    return order.least_distance(first.position, second.position);
  };
}

std::optional<int32_t> find_reuse_distance(const PlacedGraph& placed, const Accesses& a,
                                           const Accesses& b, ShareKind kind,
                                           const LeastDistance& distance,
                                           std::optional<int64_t> shift_bytes) {
  int32_t reuse_distance = kNoReuseDistance;
  for (const ValueAccess& first : a) {
    for (const ValueAccess& second : b) {
      if (is_exempt(placed, first, second, kind, shift_bytes)) continue;
      const auto steps = reuse_distance_between(first, second, distance);
      if (!steps) return std::nullopt;
      reuse_distance = std::max(reuse_distance, *steps);
    }
  }
  return reuse_distance;
}

bool are_disjoint_in_time(const PlacedGraph& placed, const Accesses& a, const Accesses& b,
                          ShareKind kind, const LeastDistance& distance) {
  const auto from_a_to_b = find_reuse_distance(placed, a, b, kind, distance);
  return from_a_to_b &&
         fit_together(from_a_to_b, find_reuse_distance(placed, b, a, kind, distance));
}

IdVector<PlacedValueId, OuterAccesses> outer_accesses(
    const IdVector<PlacedValueId, Accesses>& accesses) {
  const auto group_of = [](const ValueAccess& access) {
    return std::tuple(access.position.lane, access.rows.begin, access.rows.end);
  };
  IdVector<PlacedValueId, OuterAccesses> outer;
  for (const Accesses& all : accesses) {
    Accesses sorted = all;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const ValueAccess& a, const ValueAccess& b) {
      if (group_of(a) != group_of(b)) return group_of(a) < group_of(b);
      return is_earlier(a, b);
    });
    OuterAccesses of_value;
    bool has_write = false;
    for (size_t i = 0; i < sorted.size(); ++i) {
      const bool is_first = i == 0 || group_of(sorted[i - 1]) != group_of(sorted[i]);
      const bool is_last = i + 1 == sorted.size() || group_of(sorted[i]) != group_of(sorted[i + 1]);
      has_write = has_write && !is_first;
      const bool is_first_write = sorted[i].is_write && !has_write;
      has_write = has_write || sorted[i].is_write;
      if (is_first || is_first_write) of_value.first.push_back(sorted[i]);
      if (is_last) of_value.last.push_back(sorted[i]);
    }
    outer.push_back(std::move(of_value));
  }
  return outer;
}

void AccessEnds::add(const Accesses& accesses) {
  for (const ValueAccess& access : accesses) {
    keep_end(first, access, is_earlier);
    keep_end(last, access,
             [](const ValueAccess& a, const ValueAccess& b) { return is_earlier(b, a); });
  }
}

bool are_disjoint_in_time(const AccessEnds& a, const AccessEnds& b, const LeastDistance& distance) {
  const auto from_a_to_b = reuse_distance_of_ends(a.last, b.first, distance);
  return from_a_to_b &&
         fit_together(from_a_to_b, reuse_distance_of_ends(b.last, a.first, distance));
}

bool may_write_over(const PlacedGraph& placed, const PlacedOp& writer, PlacedValueId from,
                    PlacedValueId to) {
  if (writer.kind != PlacedOpKind::kNode) return false;
  const auto at = std::find(writer.writes.begin(), writer.writes.end(), to);
  if (at == writer.writes.end()) return false;
  const auto number = static_cast<size_t>(at - writer.writes.begin());
  if (placed.type_of(from).size_bytes() != placed.type_of(to).size_bytes()) return false;
  const OpInfo& op = *placed.graph->nodes[*writer.node].op;
  const TensorType result = type_of_rows(placed.type_of(to), writer.rows);
  const int64_t first_byte = bytes_of_rows(placed.type_of(to), writer.rows).begin;
  bool reads_it = false;
  for (size_t i = 0; i < writer.reads.size(); ++i) {
    const PlacedOperand& read = writer.reads[i];
    if (read.value != from) continue;
    if (read.distance != 0) return false;
    if (bytes_of_rows(placed.type_of(from), read.rows).begin != first_byte) return false;
    if (!may_run_in_place(op, i, placed.operand_type(read), result, number)) return false;
    reads_it = true;
  }
  return reads_it;
}

bool is_exempt(const PlacedGraph& placed, const ValueAccess& first, const ValueAccess& second,
               ShareKind kind, std::optional<int64_t> shift_bytes) {
  if (kind == ShareKind::kInPlace) shift_bytes = 0;
  if (!shift_bytes) return false;
  const RowBytes first_bytes = bytes_of_rows(placed.type_of(first.value), first.rows);
  RowBytes second_bytes = bytes_of_rows(placed.type_of(second.value), second.rows);
  second_bytes.begin += *shift_bytes;
  second_bytes.end += *shift_bytes;
  if (!intersects(first_bytes, second_bytes)) return true;
  if (kind == ShareKind::kDisjointInTime) return false;
  if (first.task != second.task || first.is_write || !second.is_write) return false;
  // Tasks keep the numbers of the operations.
  return may_write_over(placed, placed.ops[PlacedOpId(first.task.value())], first.value,
                        second.value);
}

}  // namespace graphc
