#include "compiler/schedule/task_graph.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "runtime/base/text.h"

namespace graphc {
namespace {

using EdgeKey = std::tuple<TaskId, TaskId, int32_t, EdgeKind>;

std::set<EdgeKey> edge_keys(const TaskGraph& tasks) {
  std::set<EdgeKey> keys;
  for (const TaskEdge& edge : tasks.edges) {
    keys.insert({edge.from, edge.to, edge.distance, edge.kind});
  }
  return keys;
}

/// Peels off tasks without predecessors; what is left lies on or behind a cycle.
Violation find_cycle(const TaskGraph& tasks) {
  IdVector<TaskId, int> num_before(tasks.tasks.size(), 0);
  IdVector<TaskId, std::vector<TaskId>> after(tasks.tasks.size());
  for (const TaskEdge& edge : tasks.edges) {
    if (edge.distance != 0) continue;
    ++num_before[edge.to];
    after[edge.from].push_back(edge.to);
  }
  std::vector<TaskId> free;
  for (const TaskId task : tasks.tasks.ids()) {
    if (num_before[task] == 0) free.push_back(task);
  }
  for (size_t i = 0; i < free.size(); ++i) {
    for (const TaskId next : after[free[i]]) {
      if (--num_before[next] == 0) free.push_back(next);
    }
  }
  if (free.size() == tasks.tasks.size()) return std::nullopt;
  for (const TaskId task : tasks.tasks.ids()) {
    if (num_before[task] > 0) return "'" + tasks.tasks[task].name + "' waits for itself";
  }
  return std::nullopt;
}

std::vector<int32_t> name_ranks(const TaskGraph& tasks) {
  std::vector<size_t> order(tasks.tasks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tasks.tasks[TaskId(a)].name < tasks.tasks[TaskId(b)].name;
  });
  std::vector<int32_t> ranks(order.size());
  for (size_t rank = 0; rank < order.size(); ++rank) {
    ranks[order[rank]] = static_cast<int32_t>(rank);
  }
  return ranks;
}

std::string_view to_string(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::kData:
      return "data";
    case EdgeKind::kAnti:
      return "anti";
    case EdgeKind::kOrder:
      return "order";
  }
  return "";
}

}  // namespace

Violation verify_task_graph(const TaskGraph& tasks) {
  const auto edges = edge_keys(tasks);
  for (const TaskId reader : tasks.tasks.ids()) {
    const PlacedOp& op = tasks.placed->ops[tasks.tasks[reader].op];
    for (const PlacedOperand& read : op.reads) {
      const PlacedValue& value = tasks.placed->values[read.value];
      for (const PlacedOpId producer : tasks.placed->producers_of(read)) {
        const TaskId writer(producer.value());
        if (!edges.contains({writer, reader, read.distance, EdgeKind::kData})) {
          return "'" + op.name + "' reads '" + value.name + "' without an edge from its producer";
        }
        const auto versions = tasks.fixed_versions[read.value];
        if (!versions || writer == reader) continue;
        if (!edges.contains({reader, writer, *versions - read.distance, EdgeKind::kAnti})) {
          return "'" + value.name + "' may be replaced while '" + op.name + "' reads it";
        }
      }
    }
  }
  return find_cycle(tasks);
}

std::string print_task_graph(const TaskGraph& tasks) {
  std::string text = "tasks " + tasks.placed->graph->name + "\n";
  for (const Task& task : tasks.tasks) {
    text += tasks.lanes.group_names[task.group] + "  " + task.name + "  " +
            std::to_string(task.cost.latency_ns) + "+" + std::to_string(task.cost.work_ns) +
            " ns\n";
  }
  for (const TaskEdge& edge : tasks.edges) {
    text += std::string(to_string(edge.kind)) + "  " + tasks.tasks[edge.from].name + " => " +
            tasks.tasks[edge.to].name + "  distance " + std::to_string(edge.distance);
    if (edge.kind != EdgeKind::kOrder) text += "  " + tasks.placed->values[edge.value].name;
    text += "\n";
  }
  return text;
}

std::vector<PlacedValueId> versioned_values(const TaskGraph& tasks) {
  std::vector<PlacedValueId> values;
  for (const PlacedValueId value : tasks.placed->values.ids()) {
    if (!tasks.fixed_versions[value]) values.push_back(value);
  }
  return values;
}

SchedulingProblem scheduling_problem(const TaskGraph& tasks) {
  SchedulingProblem problem;
  problem.groups = tasks.lanes.groups;
  problem.num_lanes = tasks.lanes.lanes.size();
  problem.num_resources = tasks.lanes.resource_names.size();
  const auto ranks = name_ranks(tasks);
  for (const TaskId id : tasks.tasks.ids()) {
    const Task& task = tasks.tasks[id];
    SchedulingTask spec{task.group, task.cost};
    spec.is_copy = tasks.placed->ops[task.op].kind == PlacedOpKind::kCopy;
    spec.name_rank = ranks[id.index()];
    problem.tasks.push_back(spec);
  }
  for (const TaskEdge& edge : tasks.edges) {
    problem.edges.push_back({edge.from, edge.to, edge.distance, edge.kind == EdgeKind::kAnti});
    const bool is_into_copy = edge.kind == EdgeKind::kData && problem.tasks[edge.to].is_copy;
    if (is_into_copy) problem.tasks[edge.from].feeds_copy = true;
  }
  IdVector<PlacedValueId, std::optional<VersionedId>> versioned(tasks.placed->values.size());
  for (const PlacedValueId id : versioned_values(tasks)) {
    versioned[id] = problem.values.push_back({});
  }
  for (const TaskEdge& edge : tasks.edges) {
    if (edge.kind != EdgeKind::kData || !versioned[edge.value]) continue;
    problem.values[*versioned[edge.value]].reads.push_back({edge.to, edge.from, edge.distance});
  }
  return problem;
}

MemoryDemand memory_demand(const TaskGraph& tasks, size_t num_devices) {
  const PlacedGraph& placed = tasks.placed;
  MemoryDemand demand;
  demand.always_bytes = IdVector<MemoryId, int64_t>(num_devices, 0);
  IdVector<PlacedValueId, int64_t> always_in_use(placed.values.size(), 0);
  for (const PlacedValueId id : placed.values.ids()) {
    if (tasks.fixed_versions[id]) always_in_use[id] = *tasks.fixed_versions[id];
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) always_in_use[output->value] = std::max<int64_t>(always_in_use[output->value], 1);
  }
  IdVector<PlacedValueId, std::vector<TaskId>> readers(placed.values.size());
  for (const TaskEdge& edge : tasks.edges) {
    if (edge.kind == EdgeKind::kData) readers[edge.value].push_back(edge.to);
  }
  for (const PlacedValueId id : placed.values.ids()) {
    const MemoryId memory(placed.values[id].device.value());
    const int64_t size_bytes = aligned_bytes(placed.type_of(id).size_bytes());
    demand.always_bytes[memory] += always_in_use[id] * size_bytes;
    if (always_in_use[id] > 0) continue;
    std::vector<TaskId> writers;
    for (const PlacedOpId op : placed.values[id].producers) writers.emplace_back(op.value());
    demand.values.push_back({memory, size_bytes, writers, readers[id]});
  }
  return demand;
}

}  // namespace graphc
