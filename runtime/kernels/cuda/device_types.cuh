#pragma once

#include <algorithm>

#include "runtime/base/element.h"
#include "runtime/kernels/cuda/storage.cuh"

namespace graphrt::cuda {

/// What kernels store elements of a host type as: CUDA's own types of 16 bits, which have the same
/// bits.
template <class T>
struct DeviceTypeOf {
  using Type = T;
};
template <>
struct DeviceTypeOf<BFloat16> {
  using Type = __nv_bfloat16;
};
template <>
struct DeviceTypeOf<Float16> {
  using Type = __half;
};
/// function(TypeTag<T>()) for the type that kernels store floats as. Requires: is_float(element).
template <class Function>
decltype(auto) with_device_float(ElementType element, Function&& function) {
  return with_float_type(element, [&](auto tag) {
    return function(TypeTag<typename DeviceTypeOf<typename decltype(tag)::Type>::Type>());
  });
}

template <class T>
inline constexpr bool kIsDeviceFloat =
    std::is_same_v<T, float> || std::is_same_v<T, __half> || std::is_same_v<T, __nv_bfloat16>;

/// Elements of the type in the widest vector that there is.
inline int lanes_of(ElementType element) {
  return static_cast<int>(static_cast<int64_t>(kVectorBytes) / size_bytes(element));
}

/// Results, floats of a type that every thread tells apart: kernels for each are not worth it.
struct AnyFloatResults {
  std::byte* data;
  ElementType type;

  __device__ void set(int64_t i, float x) const {
    if (type == ElementType::kBF16) {
      reinterpret_cast<__nv_bfloat16*>(data)[i] = narrowed<__nv_bfloat16>(x);
    } else if (type == ElementType::kF16) {
      reinterpret_cast<__half*>(data)[i] = narrowed<__half>(x);
    } else {
      reinterpret_cast<float*>(data)[i] = x;
    }
  }
};

/// Labels or indices, i32 or i64, which every thread tells apart: there are few beside what they
/// name.
struct AnyIntegers {
  const std::byte* data;
  bool are_wide;

  AnyIntegers(const std::byte* address, ElementType type)
      : data(address), are_wide(type == ElementType::kI64) {}
  __device__ int64_t operator[](int64_t i) const {
    if (are_wide) return reinterpret_cast<const int64_t*>(data)[i];
    return reinterpret_cast<const int32_t*>(data)[i];
  }
};

/// As the host's `narrowed` (base/element.h).
template <class T, class Number>
__device__ T element_of(Number number) {
  if constexpr (std::is_same_v<T, bool>) {
    return number != 0;
  } else if constexpr (kIsDeviceFloat<T>) {
    return narrowed<T>(static_cast<float>(number));
  } else if constexpr (std::is_same_v<Number, float>) {
    constexpr float kEnd =
        static_cast<float>(std::numeric_limits<T>::max() / 2 + 1) * 2;  // a power of two
    if (number != number) return 0;
    if (number >= kEnd) return std::numeric_limits<T>::max();
    if (number <= static_cast<float>(std::numeric_limits<T>::min())) {
      return std::numeric_limits<T>::min();
    }
    return static_cast<T>(number);
  } else {
    return static_cast<T>(number);
  }
}

/// Neighbours that a thread takes: as many as fit the widest access to each type, at most four.
template <class From, class To>
inline constexpr int kNeighbours =
    static_cast<int>(kVectorBytes / (sizeof(From) > sizeof(To) ? sizeof(From) : sizeof(To))) <
            kWidest
        ? static_cast<int>(kVectorBytes / (sizeof(From) > sizeof(To) ? sizeof(From) : sizeof(To)))
        : kWidest;

/// Neighbours that a thread takes where memory is all that it waits for: as many as fit the widest
/// access to both types.
template <class From, class To>
inline constexpr int kLanesOfBoth = std::min(kLanesOf<From>, kLanesOf<To>);

/// What computes a function of floats that are stored as T.
template <class T, class Function>
struct FormOn {
  __device__ static Function of(Function function) { return function; }
};

/// A function of floats, on floats stored as T.
template <class T, class Function>
struct OnStored {
  Function function;
  __device__ T operator()(T x) const { return narrowed<T>(form()(widened(x))); }
  __device__ T operator()(T a, T b) const { return narrowed<T>(form()(widened(a), widened(b))); }

 private:
  __device__ auto form() const { return FormOn<T, Function>::of(function); }
};

}  // namespace graphrt::cuda
