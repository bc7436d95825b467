#include "runtime/session/output_sink.h"

#include <cstring>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/text.h"
#include "runtime/device/host_arena.h"

namespace graphrt {
namespace {

class OutputAction final : public Action {
 public:
  OutputAction(OutputSink& sink, OperandSlots from)
      : sink_(sink),
        from_(std::move(from)),
        num_bytes_(static_cast<size_t>(from_.type.size_bytes())) {}

  Result<void> run(int64_t step) override {
    std::memcpy(sink_.slot(step), from_.at(step), num_bytes_);
    return {};
  }

 private:
  OutputSink& sink_;
  OperandSlots from_;
  size_t num_bytes_;
};

}  // namespace

OutputSink::OutputSink(TensorType type)
    : type_(std::move(type)), data_(static_cast<size_t>(type_.size_bytes())) {}

void OutputSink::start_stack(int64_t first_step) {
  first_step_ = first_step;
  stride_bytes_ = type_.size_bytes();
}

void OutputSink::go_to(int64_t step, int64_t next_step) {
  if (first_step_ <= step && step <= next_step) return;
  first_step_ = 0;
  stride_bytes_ = 0;
}

Result<void> OutputSink::reserve(const std::string& name, int64_t end_step) {
  if (!is_stacked()) return {};
  const int64_t num_steps = num_stacked(end_step);
  const auto old_bytes = static_cast<int64_t>(data_.size());
  if (num_steps <= old_bytes / stride_bytes_) return {};
  const int64_t free_bytes = available_host_bytes();
  if (num_steps > kMaxTensorBytes / stride_bytes_ ||
      num_steps * stride_bytes_ - old_bytes > free_bytes) {
    return machine_error("output '" + name + "', " + to_string(type_) + ", does not fit into the " +
                         format_bytes(free_bytes) + " of free memory " + std::to_string(num_steps) +
                         " times; run fewer steps or keep only the last value (--output-last)");
  }
  data_.resize(static_cast<size_t>(num_steps * stride_bytes_));
  return {};
}

Tensor OutputSink::last(int64_t end_step) const {
  const std::byte* begin =
      data_.data() + (is_stacked() ? (num_stacked(end_step) - 1) * stride_bytes_ : 0);
  return Tensor{type_, {begin, begin + type_.size_bytes()}};
}

Tensor OutputSink::stacked(StepRange steps) const {
  CHECK(is_stacked() && steps.count > 0 && steps.first >= first_step_, to_string(type_));
  const auto begin = data_.begin() + (steps.first - first_step_) * stride_bytes_;
  Tensor stack{type_, {begin, begin + steps.count * stride_bytes_}};
  stack.type.shape.insert(stack.type.shape.begin(), steps.count);
  return stack;
}

bool OutputSink::holds(StepRange steps, int64_t end_step) const {
  return is_stacked() && steps.first >= first_step_ && steps.count > 0 &&
         steps.count <= end_step - steps.first;
}

std::unique_ptr<Action> make_output_action(OutputSink& sink, OperandSlots from) {
  return std::make_unique<OutputAction>(sink, std::move(from));
}

}  // namespace graphrt
