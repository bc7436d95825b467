#include "runtime/base/tensor.h"

namespace graphrt {

Result<void> check_tensor(const Tensor& tensor) {
  if (tensor.type.shape.size() > kMaxRank) {
    return input_error("a tensor has at most " + std::to_string(kMaxRank) + " dimensions, not " +
                       std::to_string(tensor.type.shape.size()));
  }
  if (!is_valid(tensor.type)) {
    return input_error("there is no tensor " + to_string(tensor.type) +
                       ": every dimension is positive, and all take at most 16 TiB");
  }
  if (tensor.data.size() == static_cast<size_t>(tensor.type.size_bytes())) return {};
  return input_error(to_string(tensor.type) + " takes " + std::to_string(tensor.type.size_bytes()) +
                     " bytes, and the tensor has " + std::to_string(tensor.data.size()));
}

}  // namespace graphrt
