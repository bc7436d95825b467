#include "compiler/graph/training.h"

#include <array>

namespace graphc {
namespace {

using OptimizerSetting = Setting<Training>;
using ScheduleSetting = Setting<LearningRate>;

// The usual defaults of the field; weight decay is what AdamW was made for.
constexpr OptimizerSetting kBeta1{"beta1", &Training::beta1, 0.9, NumberRange::kFraction};
constexpr OptimizerSetting kBeta2{"beta2", &Training::beta2, 0.999, NumberRange::kFraction};
constexpr OptimizerSetting kEpsilon{"epsilon", &Training::epsilon, 1e-8, NumberRange::kPositive};
constexpr OptimizerSetting kNoDecay{"weight_decay", &Training::weight_decay, 0,
                                    NumberRange::kNotNegative};
constexpr OptimizerSetting kDecay{"weight_decay", &Training::weight_decay, 0.01,
                                  NumberRange::kNotNegative};
constexpr OptimizerSetting kVelocity{"momentum", &Training::momentum, 0.9, NumberRange::kFraction};

constexpr std::array kSgd = {kNoDecay};
constexpr std::array kMomentum = {kVelocity, kNoDecay};
constexpr std::array kAdam = {kBeta1, kBeta2, kEpsilon};
constexpr std::array kAdamW = {kBeta1, kBeta2, kEpsilon, kDecay};
constexpr std::array kOptimizers = {
    OptimizerChoice{"sgd", OptimizerKind::kSgd, kSgd},
    OptimizerChoice{"momentum", OptimizerKind::kMomentum, kMomentum},
    OptimizerChoice{"adam", OptimizerKind::kAdam, kAdam},
    OptimizerChoice{"adamw", OptimizerKind::kAdamW, kAdamW},
};

constexpr ScheduleSetting kBase{"base", &LearningRate::base, {}, NumberRange::kPositive};
constexpr ScheduleSetting kWarmup{"warmup", &LearningRate::warmup, 0, NumberRange::kNotNegative};

constexpr std::array kConstant = {kBase, kWarmup};
constexpr std::array kStep = {
    kBase, kWarmup, ScheduleSetting{"every", &LearningRate::every, {}, NumberRange::kPositive},
    ScheduleSetting{"factor", &LearningRate::factor, {}, NumberRange::kPositive}};
constexpr std::array kCosine = {
    kBase, kWarmup, ScheduleSetting{"steps", &LearningRate::steps, {}, NumberRange::kPositive},
    ScheduleSetting{"final", &LearningRate::final_rate, 0, NumberRange::kNotNegative}};
constexpr std::array kSchedules = {
    ScheduleChoice{"constant", ScheduleKind::kConstant, kConstant},
    ScheduleChoice{"step", ScheduleKind::kStep, kStep},
    ScheduleChoice{"cosine", ScheduleKind::kCosine, kCosine},
};

// As PyTorch's GradScaler has them.
constexpr std::array kDynamic = {
    Setting<LossScale>{"first", &LossScale::first, 65536, NumberRange::kPositive},
    Setting<LossScale>{"growth", &LossScale::growth, 2, NumberRange::kAtLeastOne},
    Setting<LossScale>{"backoff", &LossScale::backoff, 0.5, NumberRange::kAtMostOne},
    Setting<LossScale>{"every", &LossScale::every, 2000, NumberRange::kPositive}};
constexpr std::array kLossScales = {LossScaleChoice{"dynamic", LossScaleKind::kDynamic, kDynamic}};

}  // namespace

bool is_in(double number, NumberRange range) {
  switch (range) {
    case NumberRange::kPositive:
      return number > 0;
    case NumberRange::kNotNegative:
      return number >= 0;
    case NumberRange::kFraction:
      return number >= 0 && number < 1;
    case NumberRange::kAtLeastOne:
      return number >= 1;
    case NumberRange::kAtMostOne:
      return number > 0 && number <= 1;
  }
  return false;
}

std::string_view describe(NumberRange range) {
  switch (range) {
    case NumberRange::kPositive:
      return "above 0";
    case NumberRange::kNotNegative:
      return "at least 0";
    case NumberRange::kFraction:
      return "at least 0 and below 1";
    case NumberRange::kAtLeastOne:
      return "at least 1";
    case NumberRange::kAtMostOne:
      return "above 0 and at most 1";
  }
  return "";
}

std::span<const OptimizerChoice> all_optimizers() { return kOptimizers; }

std::span<const ScheduleChoice> all_schedules() { return kSchedules; }

std::span<const LossScaleChoice> all_loss_scales() { return kLossScales; }

}  // namespace graphc
