#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/tensor_type.h"
#include "runtime/op/kernel_arguments.h"

namespace graphrt {

/// Where an instruction finds one operand: a slot for every version of the buffer, of which step s
/// uses number (s - distance) mod versions. Addresses are those of the device that owns the memory;
/// only that device's back end may follow them.
struct OperandSlots {
  TensorType type;
  std::byte* first = nullptr;
  int64_t stride_bytes = 0;
  int32_t versions = 1;
  int32_t distance = 0;

  /// The mathematical modulus: step -1 is the last version.
  std::byte* at(int64_t step) const {
    const int64_t remainder = (step - distance) % versions;
    const int64_t version = remainder < 0 ? remainder + versions : remainder;
    return first + version * stride_bytes;
  }
  /// Bytes from `first` to the end of the last version.
  int64_t extent_bytes() const { return (versions - 1) * stride_bytes + type.size_bytes(); }
};

inline std::vector<TensorType> types_of(const std::vector<OperandSlots>& slots) {
  std::vector<TensorType> types;
  for (const OperandSlots& each : slots) types.push_back(each.type);
  return types;
}

/// Where a kernel finds its operands and results in a step. Made once: at() allocates nothing.
class KernelSlots {
 public:
  KernelSlots(std::vector<OperandSlots> inputs, std::vector<OperandSlots> results,
              const std::optional<OperandSlots>& scratch)
      : inputs_(std::move(inputs)),
        results_(std::move(results)),
        scratch_(scratch),
        input_addresses_(inputs_.size()),
        result_addresses_(results_.size()) {}

  /// Valid until the next call.
  KernelArguments at(int64_t step) {
    for (size_t i = 0; i < inputs_.size(); ++i) input_addresses_[i] = inputs_[i].at(step);
    for (size_t i = 0; i < results_.size(); ++i) result_addresses_[i] = results_[i].at(step);
    return {input_addresses_, result_addresses_, scratch_ ? scratch_->at(step) : nullptr};
  }

 private:
  std::vector<OperandSlots> inputs_;
  std::vector<OperandSlots> results_;
  std::optional<OperandSlots> scratch_;
  std::vector<const std::byte*> input_addresses_;
  std::vector<std::byte*> result_addresses_;
};

}  // namespace graphrt
