#pragma once

#include <cstdint>

#include "runtime/kernels/cuda/update_rules.cuh"
#include "runtime/op/op_table.h"

namespace graphrt::cuda {

enum class UpdateKind : uint32_t {
  kSgd,
  kMomentum,
  kMovingAverage,
  kMovingAverageOfSquares,
  kAdam,
};

/// The rule that the kind names.
union UpdateRule {
  Sgd sgd;
  Momentum momentum;
  MovingAverage average;
  MovingAverageOfSquares average_of_squares;
  Adam adam;
};

/// One tensor's update, done by the blocks from the end of the one before it on.
struct UpdateJob {
  UpdateRule rule;
  UpdateTensors<Adam::kNumTensors> tensors;  ///< rules of fewer operands leave the last one out
  UpdateKind kind;
  uint32_t end_block;
  bool is_aligned;  ///< to the widest vector
};

/// What a joint launch is called with.
struct JointTable {
  UpdateJob jobs[kMaxOpsInLaunch];
  int32_t num_jobs;
};

/// CUDA's limit for the parameters of a launch, on every device and driver.
static_assert(sizeof(JointTable) <= 4096);

inline void set_rule(UpdateJob& job, const Sgd& rule) {
  job.kind = UpdateKind::kSgd;
  job.rule.sgd = rule;
}
inline void set_rule(UpdateJob& job, const Momentum& rule) {
  job.kind = UpdateKind::kMomentum;
  job.rule.momentum = rule;
}
inline void set_rule(UpdateJob& job, const MovingAverage& rule) {
  job.kind = UpdateKind::kMovingAverage;
  job.rule.average = rule;
}
inline void set_rule(UpdateJob& job, const MovingAverageOfSquares& rule) {
  job.kind = UpdateKind::kMovingAverageOfSquares;
  job.rule.average_of_squares = rule;
}
inline void set_rule(UpdateJob& job, const Adam& rule) {
  job.kind = UpdateKind::kAdam;
  job.rule.adam = rule;
}

}  // namespace graphrt::cuda
