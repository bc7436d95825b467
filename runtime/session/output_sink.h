#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/base/tensor.h"
#include "runtime/device/action.h"
#include "runtime/device/operand_slots.h"

namespace graphrt {

/// Takes the value of one output in every step: keeps the last one, or, from start_stack() on, all.
/// Memory for a run is reserved before it.
class OutputSink {
 public:
  explicit OutputSink(TensorType type);

  /// Keeps the values of all steps from `first_step` on, forgetting those before.
  void start_stack(int64_t first_step);

  /// The next step is `step` from now on, where it was `next_step`: a stack that would have a hole
  /// then, or steps before its first, is given up.
  void go_to(int64_t step, int64_t next_step);

  /// Makes room for the steps before `end_step`. Requires: no run goes on.
  /// Errors: not enough memory for a stack (kMachine).
  Result<void> reserve(const std::string& name, int64_t end_step);

  /// Where the value of `step` belongs. Requires: reserve() made room for it.
  std::byte* slot(int64_t step) { return data_.data() + (step - first_step_) * stride_bytes_; }

  bool is_stacked() const { return stride_bytes_ != 0; }
  const TensorType& type() const { return type_; }

  /// The value of the step before `end_step`. Requires: it was delivered.
  Tensor last(int64_t end_step) const;
  /// The values of some steps, stacked along a new first dimension.
  /// Requires: at least one step; the sink holds them.
  Tensor stacked(StepRange steps) const;
  /// Whether the values of these steps, all before `end_step`, were kept.
  bool holds(StepRange steps, int64_t end_step) const;
  int64_t first_step() const { return first_step_; }
  int64_t num_stacked(int64_t end_step) const { return end_step - first_step_; }

 private:
  TensorType type_;
  std::vector<std::byte> data_;
  int64_t first_step_ = 0;
  int64_t stride_bytes_ = 0;  // 0: every step overwrites the one before
};

/// The instruction that hands an output to its sink, which must outlive it.
std::unique_ptr<Action> make_output_action(OutputSink& sink, OperandSlots from);

}  // namespace graphrt
