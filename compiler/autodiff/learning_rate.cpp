#include "compiler/autodiff/learning_rate.h"

#include <optional>
#include <utility>

namespace graphc {
namespace {

Attributes attributes_of(const LearningRate& rate) {
  Attributes attributes;
  attributes.set("base", rate.base);
  if (rate.warmup > 0) attributes.set("warmup_steps", rate.warmup);
  if (rate.schedule == ScheduleKind::kStep) {
    attributes.set("decay_every", rate.every);
    attributes.set("decay_factor", rate.factor);
  }
  if (rate.schedule == ScheduleKind::kCosine) {
    attributes.set("cosine_steps", rate.steps);
    attributes.set("final", rate.final_rate);
  }
  return attributes;
}

}  // namespace

ValueId add_step_number(DerivedNodes& nodes, std::optional<ValueId> skip_factor,
                        const SourceRange& where) {
  const ValueId step = nodes.add_state("train.step", {ElementType::kI32, {}}, where);
  const ValueId other =
      skip_factor ? *skip_factor : nodes.add_integer("train.one", 1, ElementType::kI32, where);
  nodes.update(step, nodes.add_named("train.step.new", skip_factor ? "count_step" : "add",
                                     {step, other}, {}, {where, std::nullopt, {}}));
  return step;
}

ValueId add_learning_rate(DerivedNodes& nodes, const LearningRate& rate, ValueId step,
                          const SourceRange& where) {
  return nodes.add_named("train.rate", "learning_rate", {step}, attributes_of(rate),
                         {where, std::nullopt, {}});
}

}  // namespace graphc
