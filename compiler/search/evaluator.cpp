#include "compiler/search/evaluator.h"

#include <utility>

namespace graphc {
namespace {

template <class Id>
void append(std::string& key, const IdVector<Id, DeviceId>& devices) {
  for (const DeviceId device : devices) key += std::to_string(device.value()) + ",";
}

std::string key_of_placed(const Decisions& decisions) {
  std::string key;
  append(key, decisions.assignment);
  return key;
}

std::string key_of_tasks(const Decisions& decisions) {
  std::string key = key_of_placed(decisions);
  for (const MemoryRewrite& rewrite : decisions.rewrites) {
    key += rewrite.kind == RewriteKind::kRematerialise ? ";again " : ";offloaded ";
    key += std::to_string(rewrite.value.value()) + " for ";
    for (const PlacedOpId reader : rewrite.readers) key += std::to_string(reader.value()) + ",";
  }
  key += decisions.copies == CopyBlocks::kBlocks ? ";blocks" : ";whole";
  key += decisions.overlap == Overlap::kNone ? ";serial" : "";
  return key;
}

std::string key_of_schedule(const Decisions& decisions) {
  std::string key = key_of_tasks(decisions);
  key += decisions.launches == Launches::kJoint ? ";joint" : ";apart";
  if (!decisions.budget) return key;
  for (const int64_t bytes : *decisions.budget) key += ";" + std::to_string(bytes);
  return key;
}

}  // namespace

Evaluator::Evaluator(Shared<Graph> graph, const Machine& machine, const CostModel& costs,
                     Effort effort)
    : graph_(std::move(graph)), machine_(machine), costs_(costs), effort_(effort) {}

std::optional<Shared<PlacedGraph>> Evaluator::placed(const Decisions& decisions) {
  const auto [at, is_new] = placed_.try_emplace(key_of_placed(decisions));
  if (!is_new) return at->second;
  DiagnosticSink unused;
  auto placed = lower_to_copies(target(), graph_, decisions, Gates::kNone, unused);
  if (placed) at->second = *std::move(placed);
  return at->second;
}

std::optional<Shared<TaskGraph>> Evaluator::tasks(const Decisions& decisions) {
  std::string key = key_of_tasks(decisions);
  if (const auto known = tasks_.find(key); known != tasks_.end()) return known->second;
  const auto level = placed(decisions);
  if (!level) return std::nullopt;
  return tasks_.emplace(std::move(key), lower_to_tasks(target(), *level, decisions, Gates::kNone))
      .first->second;
}

std::optional<Shared<Schedule>> Evaluator::schedule(const Decisions& decisions) {
  // An order that is written out is not searched for: there is nothing to keep.
  const bool is_kept = !decisions.order;
  std::string key = is_kept ? key_of_schedule(decisions) : "";
  if (const auto known = schedules_.find(key); is_kept && known != schedules_.end()) {
    return known->second;
  }
  const auto level = tasks(decisions);
  if (!level) return std::nullopt;
  Shared<Schedule> schedule = lower_to_schedule(target(), *level, decisions, Gates::kNone);
  if (is_kept) schedules_.emplace(std::move(key), schedule);
  return schedule;
}

Synchronised Evaluator::lowered(const Decisions& decisions, const MemoryLimits& limits) {
  const auto level = schedule(decisions);
  CHECK(level.has_value(), "what is lowered can be routed");
  return lower_to_waits(with_limits(target(), limits), *level, Gates::kNone);
}

}  // namespace graphc
