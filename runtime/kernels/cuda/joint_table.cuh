#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/kernels/cuda/update_rules.cuh"
#include "runtime/op/op_table.h"

namespace graphrt::cuda {

/// The rule that the kind names.
union UpdateRule {
  Sgd sgd;
  Momentum momentum;
  DecayedMomentum decayed_momentum;
  MovingAverage average;
  MovingAverageOfSquares average_of_squares;
  Adam adam;
  AdamStep adam_step;
};

/// One tensor's update, done by the blocks from the end of the one before it on.
struct UpdateJob {
  UpdateRule rule;
  TensorsOf<AdamStep> tensors;  ///< rules of fewer operands and results leave the last ones out
  UpdateKind kind;
  uint32_t end_block;
  bool is_aligned;  ///< to the widest vector
  ElementType new_element;
};

/// What a joint launch is called with.
struct JointTable {
  UpdateJob jobs[kMaxOpsInLaunch];
  int32_t num_jobs;
};

/// CUDA's limit for the parameters of a launch, since 12.1 and from Volta on.
static_assert(sizeof(JointTable) <= 32764);

template <class Rule>
void set_rule(UpdateJob& job, const Rule& rule) {
  static_assert(sizeof(Rule) <= sizeof(UpdateRule));
  job.kind = Rule::kKind;
  std::memcpy(&job.rule, &rule, sizeof(Rule));  // the member that the kind names
}

}  // namespace graphrt::cuda
