#include "compiler/autodiff/loss_scaling.h"

#include <utility>

namespace graphc {

ValueId add_loss_scale(DerivedNodes& nodes, const LossScale& scale, const SourceRange& where) {
  Initializer first;
  first.kind = InitializerKind::kConstant;
  first.low = scale.first;
  return nodes.add_state("train.loss_scale", {ElementType::kF32, {}}, where, std::move(first));
}

std::vector<ParameterGradient> add_unscaling(DerivedNodes& nodes,
                                             std::vector<ParameterGradient> gradients, ValueId norm,
                                             ValueId scale, const Training& training) {
  const Origin origin{training.where, std::nullopt, {}};
  Attributes clipping;
  if (training.clip_norm) clipping.set("max_norm", *training.clip_norm);
  const ValueId factor = nodes.add_named("train.unscale", "unscale_factor", {norm, scale},
                                         std::move(clipping), origin);
  const LossScale& rule = *training.loss_scale;
  Attributes steps;
  steps.set("every", rule.every);
  Attributes factors = steps;
  factors.set("backoff", rule.backoff);
  factors.set("growth", rule.growth);
  const ValueId streak = nodes.add_state("train.streak", {ElementType::kI32, {}}, training.where);
  nodes.update(scale, nodes.add_named("train.loss_scale.new", "loss_scale_update",
                                      {scale, streak, factor}, std::move(factors), origin));
  nodes.update(streak, nodes.add_named("train.streak.new", "streak_update", {streak, factor},
                                       std::move(steps), origin));
  for (ParameterGradient& each : gradients) each.factor = factor;
  return gradients;
}

}  // namespace graphc
