#include "compiler/autodiff/optimizers.h"

#include <optional>
#include <string>
#include <utility>

#include "compiler/autodiff/learning_rate.h"

namespace graphc {
namespace {

Attributes with_number(const char* name, double number) {
  Attributes attributes;
  attributes.set(name, number);
  return attributes;
}

class Updates {
 public:
  /// `skip_factor`, if there is one, is NaN in steps that are skipped.
  Updates(DerivedNodes& nodes, const Training& training, std::optional<ValueId> skip_factor)
      : nodes_(nodes), training_(training), skip_factor_(skip_factor) {
    const bool is_adam =
        training.optimizer == OptimizerKind::kAdam || training.optimizer == OptimizerKind::kAdamW;
    const bool has_schedule = !training.learning_rate.is_constant();
    if (is_adam || has_schedule || skip_factor) {
      step_ = add_step_number(nodes, skip_factor, training.where);
    }
    if (is_adam) adam_step_ = skip_factor ? add_taken_step() : *step_;
    if (has_schedule) {
      rate_ = add_learning_rate(nodes, training.learning_rate, *step_, training.where);
    }
  }

  void add(const ParameterGradient& each) {
    switch (training_.optimizer) {
      case OptimizerKind::kSgd:
        return add_sgd(each);
      case OptimizerKind::kMomentum:
        return add_momentum(each);
      case OptimizerKind::kAdam:
      case OptimizerKind::kAdamW:
        return add_adam(each);
    }
  }

 private:
  void add_sgd(const ParameterGradient& each) {
    Attributes attributes;
    if (training_.weight_decay > 0) attributes.set("weight_decay", training_.weight_decay);
    update(each.parameter, "sgd_update", {each.parameter, each.gradient}, std::move(attributes),
           origin_of(nodes_, each), each.factor);
  }

  // The decay is part of the gradient, so the velocity collects it too.
  void add_momentum(const ParameterGradient& each) {
    const Origin origin = origin_of(nodes_, each);
    Attributes attributes = with_number("momentum", training_.momentum);
    std::vector<ValueId> others = {each.gradient};
    if (training_.weight_decay > 0) {
      attributes.set("weight_decay", training_.weight_decay);
      others.push_back(each.parameter);
    }
    const ValueId velocity = add_average(each, ".momentum", "momentum_update", std::move(others),
                                         std::move(attributes), origin);
    // The velocity has the factor in it: here it says what is skipped, and no more.
    update(each.parameter, "sgd_update", {each.parameter, velocity}, {}, origin, skip_factor_,
           false);
  }

  void add_adam(const ParameterGradient& each) {
    const Origin origin = origin_of(nodes_, each);
    const ValueId m = add_average(each, ".m", "moving_average", {each.gradient},
                                  with_number("decay", training_.beta1), origin);
    const ValueId v = add_average(each, ".v", "moving_average_of_squares", {each.gradient},
                                  with_number("decay", training_.beta2), origin);
    Attributes attributes;
    attributes.set("beta1", training_.beta1);
    attributes.set("beta2", training_.beta2);
    attributes.set("epsilon", training_.epsilon);
    if (training_.weight_decay > 0) attributes.set("weight_decay", training_.weight_decay);
    update(each.parameter, "adam_update", {each.parameter, m, v, *adam_step_},
           std::move(attributes), origin);
  }

  /// A state beside the parameter that `op` carries on from `others`, of which the first is the
  /// gradient; returns its new value.
  ValueId add_average(const ParameterGradient& each, const char* suffix, const char* op,
                      std::vector<ValueId> others, Attributes attributes, const Origin& origin) {
    const TensorType type = nodes_.graph().type_of(each.parameter);
    const ValueId state = nodes_.add_state(name_of(each.parameter) + suffix, type, origin.where);
    others.insert(others.begin(), state);
    add_factor(each.factor, true, others, attributes);
    const ValueId next = nodes_.add_named(name_of(state) + ".new", op, std::move(others),
                                          std::move(attributes), origin);
    nodes_.update(state, next);
    return next;
  }

  /// The last node of every optimizer: the rate is an attribute, or an operand behind all tensors.
  void update(ValueId parameter, const char* op, std::vector<ValueId> inputs, Attributes attributes,
              const Origin& origin, std::optional<ValueId> factor = std::nullopt,
              bool is_scaled = true) {
    if (rate_) inputs.push_back(*rate_);
    if (!rate_) attributes.set("learning_rate", training_.learning_rate.base);
    add_factor(factor, is_scaled, inputs, attributes);
    nodes_.update(parameter, nodes_.add_named(name_of(parameter) + ".new", op, std::move(inputs),
                                              std::move(attributes), origin));
  }

  /// The last operand of an update: what its gradient is multiplied with, and by which it skips
  /// steps where there is a loss scale.
  void add_factor(std::optional<ValueId> factor, bool is_scaled, std::vector<ValueId>& inputs,
                  Attributes& attributes) const {
    if (!factor) return;
    inputs.push_back(*factor);
    if (is_scaled) attributes.set("scaled", true);
    if (skip_factor_) attributes.set("skips", true);
  }

  /// The step number, or -1 in a step that is skipped: a factor that is NaN does not equal itself.
  ValueId add_taken_step() {
    const Origin origin{training_.where, std::nullopt, {}};
    const ValueId is_taken =
        nodes_.add_named("train.is_taken", "equal", {*skip_factor_, *skip_factor_}, {}, origin);
    const ValueId none = nodes_.add_integer("train.none", -1, ElementType::kI32, training_.where);
    return nodes_.add_named("train.taken_step", "select", {is_taken, *step_, none}, {}, origin);
  }

  std::string name_of(ValueId value) const { return nodes_.graph().values[value].name; }

  DerivedNodes& nodes_;
  const Training& training_;
  std::optional<ValueId> skip_factor_;
  std::optional<ValueId> step_;
  std::optional<ValueId> adam_step_;
  std::optional<ValueId> rate_;
};

}  // namespace

void add_updates(DerivedNodes& nodes, const std::vector<ParameterGradient>& gradients,
                 const Training& training) {
  const bool may_skip = training.loss_scale.has_value();
  Updates updates(nodes, training, may_skip ? gradients.front().factor : std::nullopt);
  for (const ParameterGradient& each : gradients) updates.add(each);
}

}  // namespace graphc
