#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/tensor_type.h"

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

}  // namespace graphrt
