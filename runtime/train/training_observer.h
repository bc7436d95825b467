#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/step_range.h"
#include "runtime/base/tensor.h"
#include "runtime/session/session.h"
#include "runtime/train/evaluation.h"

namespace graphrt {

/// Is told how a training goes, and may end it. All is called between two pieces of a run, on the
/// thread that runs it, with nothing in flight; what is thrown ends the run with an error.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  /// The session is about to run these steps.
  virtual void on_start(StepRange /*steps*/) {}
  /// They have run, and these are the values of all scalar outputs in them, a tensor of shape
  /// [steps.count] each, in the order of scalar_outputs().
  virtual void on_finish(StepRange /*steps*/, const std::vector<Tensor>& /*values*/) {}
  /// The states after the first `num_steps` steps, of all runs, were evaluated.
  virtual void on_evaluation(int64_t /*num_steps*/, const std::vector<Mean>& /*means*/) {}
  /// Whether the run is to end here, after whole steps.
  virtual bool wants_to_stop() { return false; }
};

}  // namespace graphrt
