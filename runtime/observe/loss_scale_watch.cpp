#include "runtime/observe/loss_scale_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/observe/finite_watch.h"
#include "runtime/op/loss_scale.h"

namespace graphrt {
namespace {

/// The node of the graph that has this operator and updates a state; null without one.
const SourceNode* find_update(const SourceGraph& graph, std::string_view op) {
  const auto found = std::find_if(
      graph.nodes.begin(), graph.nodes.end(),
      [&](const SourceNode& node) { return node.op == op && node.updates.has_value(); });
  return found == graph.nodes.end() ? nullptr : &*found;
}

Result<void> set_number(Session& session, const std::string& state, auto number) {
  TRY(Tensor value, session.state(state));
  value.as<decltype(number)>()[0] = number;
  return session.set_state(state, value);
}

}  // namespace

Result<std::optional<LossScaleWatch>> LossScaleWatch::begin(const Session& session) {
  return without_exceptions([&]() -> Result<std::optional<LossScaleWatch>> {
    const SourceGraph& graph = session.plan().source;
    const SourceNode* scale = find_update(graph, "loss_scale_update");
    const SourceNode* steps = find_update(graph, "count_step");
    if (scale == nullptr || steps == nullptr) return std::nullopt;
    constexpr size_t kStreakOperand = 1;
    LossScaleWatch watch;
    watch.scale_ = graph.values[*scale->updates].name;
    watch.streak_ = graph.values[scale->inputs[kStreakOperand]].name;
    watch.steps_ = graph.values[*steps->updates].name;
    watch.first_step_ = session.next_step();
    TRY(watch.steps_before_, watch.count_of(session, watch.steps_));
    TRY(const float first, watch.scale_of(session));
    if (!(first > 0)) {
      return input_error(
          fmt::format("state '{}' is {}: these states are of a training that gave up after {} "
                      "skipped steps in a row",
                      watch.scale_, first, kMaxSkipsInARow));
    }
    return watch;
  });
}

Result<float> LossScaleWatch::scale_of(const Session& session) const {
  TRY(const Tensor value, session.state(scale_));
  return value.as<float>()[0];
}

Result<int32_t> LossScaleWatch::count_of(const Session& session, const std::string& state) const {
  TRY(const Tensor value, session.state(state));
  return value.as<int32_t>()[0];
}

Result<LossScaleReport> LossScaleWatch::report(const Session& session) const {
  TRY(const float scale, scale_of(session));
  TRY(const int32_t steps, count_of(session, steps_));
  // Both counts of steps taken wrap around alike.
  const auto num_taken =
      static_cast<int64_t>(static_cast<uint32_t>(steps) - static_cast<uint32_t>(steps_before_));
  return LossScaleReport{scale, session.next_step() - first_step_ - num_taken};
}

Result<std::optional<LossScaleFailure>> LossScaleWatch::after_piece(Session& session) const {
  return without_exceptions([&]() -> Result<std::optional<LossScaleFailure>> {
    TRY(const float scale, scale_of(session));
    if (scale > 0) return std::nullopt;
    TRY(const int32_t streak, count_of(session, streak_));
    const int64_t num_after = -int64_t{streak} - kMaxSkipsInARow;
    LossScaleFailure failure{session.next_step() - 1 - num_after, kMaxSkipsInARow, -scale, {}};
    TRY(session.start_at(failure.step));
    TRY(set_number(session, scale_, failure.scale));
    TRY(set_number(session, streak_, 1 - kMaxSkipsInARow));
    TRY(failure.source, find_non_finite_source(session));
    return failure;
  });
}

}  // namespace graphrt
