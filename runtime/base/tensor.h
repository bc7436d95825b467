#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/base/element.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"

namespace graphrt {

/// A value with its type: row-major, little-endian, `type.size_bytes()` bytes.
struct Tensor {
  TensorType type;
  std::vector<std::byte> data;

  /// Requires: T is the element type.
  template <class T>
  std::span<T> as() {
    CHECK(type.element == ElementTypeOf<T>::kValue, to_string(type));
    return {reinterpret_cast<T*>(data.data()), data.size() / sizeof(T)};
  }
  template <class T>
  std::span<const T> as() const {
    CHECK(type.element == ElementTypeOf<T>::kValue, to_string(type));
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
  bool operator==(const Tensor&) const = default;
};

/// Whether there is such a type, and `tensor` has as many bytes as it takes.
/// Errors: what is wrong (kInput).
Result<void> check_tensor(const Tensor& tensor);

/// A tensor of zeros. Requires: is_valid(type).
inline Tensor zeros(TensorType type) {
  Tensor tensor{std::move(type), {}};
  tensor.data.resize(static_cast<size_t>(tensor.type.size_bytes()));
  return tensor;
}

/// `tensor_of<float>({2, 2}, {1, 2, 3, 4})`. Requires: as many elements as the shape has.
template <class T>
Tensor tensor_of(Shape shape, const std::vector<T>& elements) {
  Tensor tensor = zeros({ElementTypeOf<T>::kValue, std::move(shape)});
  CHECK(elements.size() * sizeof(T) == tensor.data.size(), to_string(tensor.type));
  std::memcpy(tensor.data.data(), elements.data(), tensor.data.size());
  return tensor;
}

}  // namespace graphrt
