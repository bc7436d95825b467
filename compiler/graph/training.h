#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/ids.h"
#include "compiler/vocabulary.h"

namespace graphc {

enum class OptimizerKind { kSgd, kMomentum, kAdam, kAdamW };
enum class ScheduleKind { kConstant, kStep, kCosine };

/// The learning rate as a function of the step number. It rises linearly over the first `warmup`
/// steps; what the kinds say counts from there on.
struct LearningRate {
  ScheduleKind schedule = ScheduleKind::kConstant;
  double base = 0;
  int64_t warmup = 0;
  int64_t every = 0;      ///< kStep: steps between two decays
  double factor = 0;      ///< kStep: what each decay multiplies the rate by
  int64_t steps = 0;      ///< kCosine: steps from `base` down to `final_rate`
  double final_rate = 0;  ///< kCosine

  /// The same number in every step.
  bool is_constant() const { return schedule == ScheduleKind::kConstant && warmup == 0; }
};

enum class LossScaleKind { kDynamic };

/// What the loss is multiplied with so that gradients stay in the range of f16. A step whose
/// gradients are not finite is skipped, and makes it smaller.
struct LossScale {
  double first = 0;
  double growth = 1;   ///< what it is multiplied with after `every` steps in a row
  double backoff = 1;  ///< and after a step that is skipped
  int64_t every = 1;

  /// The same number in every step.
  bool is_constant() const { return growth == 1 && backoff == 1 && every == 1; }
};

/// A state that the user wants trained.
struct ListedParameter {
  ValueId state;
  SourceRange where;
};

/// What `train:` asks for: which loss to make small, and how. `differentiate` turns it into nodes.
struct Training {
  ValueId loss;
  OptimizerKind optimizer = OptimizerKind::kSgd;
  LearningRate learning_rate;
  double momentum = 0;
  double beta1 = 0;
  double beta2 = 0;
  double epsilon = 0;
  double weight_decay = 0;
  std::optional<double> clip_norm;  ///< largest norm of all gradients together
  /// What activations and gradients are stored as, a type of floats. Parameters stay f32.
  ElementType precision = ElementType::kF32;
  std::optional<LossScale> loss_scale;
  /// Absent: every f32 state that the loss depends on and that no node updates.
  std::optional<std::vector<ListedParameter>> parameters;
  SourceRange where;  ///< place of `train`
  SourceRange loss_where;
};

enum class NumberRange { kPositive, kNotNegative, kFraction, kAtLeastOne, kAtMostOne };

/// Whether `number` lies in `range`; `must be above 0`.
bool is_in(double number, NumberRange range);
std::string_view describe(NumberRange range);

/// A number that `train:` may give: its key, the member it sets, its default and its range.
template <class Owner>
struct Setting {
  std::string_view name;
  std::variant<double Owner::*, int64_t Owner::*> member;
  std::optional<double> otherwise;  ///< absent: must be given
  NumberRange range;
};

/// An optimizer or a schedule: its name and what may be set.
template <class Owner, class Kind>
struct Choice {
  std::string_view name;
  Kind kind;
  std::span<const Setting<Owner>> settings;
};

using OptimizerChoice = Choice<Training, OptimizerKind>;
using ScheduleChoice = Choice<LearningRate, ScheduleKind>;
using LossScaleChoice = Choice<LossScale, LossScaleKind>;

/// All of them, in the order of their kinds.
std::span<const OptimizerChoice> all_optimizers();
std::span<const ScheduleChoice> all_schedules();
std::span<const LossScaleChoice> all_loss_scales();

}  // namespace graphc
