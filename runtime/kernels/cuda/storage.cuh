#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "runtime/kernels/cuda/launch.cuh"

/// Elements as memory holds them and as kernels compute with them: types that are narrower than
/// a float become one when they are read. Kernels take the type of storage as a parameter.
namespace graphrt::cuda {

// clang-format off
__device__ inline float widened(float x) { return x; }
__device__ inline float widened(__half x) { return __half2float(x); }
__device__ inline float widened(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline double widened(double x) { return x; }
__device__ inline int32_t widened(int32_t x) { return x; }
__device__ inline uint32_t widened(uint32_t x) { return x; }

/// To the nearest element of the type.
template <class T> __device__ T narrowed(float x);
template <> __device__ inline float narrowed<float>(float x) { return x; }
template <> __device__ inline __half narrowed<__half>(float x) { return __float2half_rn(x); }
template <> __device__ inline __nv_bfloat16 narrowed<__nv_bfloat16>(float x) { return __float2bfloat16_rn(x); }
// clang-format on

/// The same number. The compiler would rather keep doubles from one use to the next than make them
/// again, and they take twice the registers: fewer rows are under way then.
__device__ inline double made_double(float x) {
  double result;
  asm volatile("cvt.f64.f32 %0, %1;" : "=d"(result) : "f"(x));
  return result;
}

/// Elements of 16 bits: a kernel for them has to compute twice as fast to wait for memory as one for
/// f32 does. So what adds up such elements adds some of them as floats before it goes on in double.
template <class T>
inline constexpr bool kAreNarrow = sizeof(T) < sizeof(float);

/// Elements of a type in the widest vector that there is.
template <class T>
inline constexpr int kLanesOf = static_cast<int>(kVectorBytes / sizeof(T));

/// Elements side by side. Where they are not `aligned` to the vector, they are read one by one, by
/// the same thread: no result depends on where its operands lie.
template <int kSize, bool kIsAligned, class T>
__device__ Vector<T, kSize> load_elements(const T* address) {
  if constexpr (kIsAligned && kSize <= kLanesOf<T>) {
    return load<kSize>(address);
  } else if constexpr (kIsAligned) {
    // Several of the widest vectors.
    constexpr int kPart = kLanesOf<T>;
    Vector<T, kSize> vector;
#pragma unroll
    for (int first = 0; first < kSize; first += kPart) {
      const auto part = load<kPart>(address + first);
#pragma unroll
      for (int i = 0; i < kPart; ++i) vector.lane[first + i] = part.lane[i];
    }
    return vector;
  } else {
    Vector<T, kSize> vector;
#pragma unroll
    for (int i = 0; i < kSize; ++i) vector.lane[i] = address[i];
    return vector;
  }
}

/// Makes the compiler forget what elements of 16 bits are as floats, and as a register each: it would
/// keep those from one use to the next, and they take twice the registers.
template <class T, int kSize>
__device__ void keep_packed(Vector<T, kSize>& vector) {
  if constexpr (kAreNarrow<T> && kSize % 2 == 0) {
    uint32_t words[kSize / 2];
    memcpy(words, &vector, sizeof(words));
#pragma unroll
    for (uint32_t& word : words) asm volatile("" : "+r"(word));
    memcpy(&vector, words, sizeof(words));
  }
}

/// In one instruction: the compiler would store elements of 16 bits one by one.
template <int kNumWords>
__device__ void store_words(void* address, const uint32_t (&words)[kNumWords]) {
  static_assert(kNumWords == 1 || kNumWords == 2 || kNumWords == 4);
  if constexpr (kNumWords == 4) {
    __stwb(static_cast<uint4*>(address), make_uint4(words[0], words[1], words[2], words[3]));
  } else if constexpr (kNumWords == 2) {
    __stwb(static_cast<uint2*>(address), make_uint2(words[0], words[1]));
  } else {
    __stwb(static_cast<unsigned*>(address), words[0]);
  }
}

template <int kSize, bool kIsAligned, class T>
__device__ void store_elements(T* address, const Vector<T, kSize>& vector) {
  if constexpr (kIsAligned && kAreNarrow<T> && kSize % 2 == 0) {
    uint32_t words[kSize / 2];
    memcpy(words, &vector, sizeof(words));
    store_words(address, words);
  } else if constexpr (kIsAligned) {
    store<kSize>(address, vector);
  } else {
#pragma unroll
    for (int i = 0; i < kSize; ++i) address[i] = vector.lane[i];
  }
}

template <class T, int kSize>
__device__ Vector<float, kSize> widened(const Vector<T, kSize>& stored) {
  Vector<float, kSize> vector;
#pragma unroll
  for (int i = 0; i < kSize; ++i) vector.lane[i] = widened(stored.lane[i]);
  return vector;
}

template <int kSize, bool kIsAligned, class T>
__device__ Vector<float, kSize> load_floats(const T* address) {
  return widened(load_elements<kSize, kIsAligned>(address));
}

template <int kSize, bool kIsAligned, class T>
__device__ void store_floats(T* address, const Vector<float, kSize>& vector) {
  Vector<T, kSize> stored;
#pragma unroll
  for (int i = 0; i < kSize; ++i) stored.lane[i] = narrowed<T>(vector.lane[i]);
  store_elements<kSize, kIsAligned>(address, stored);
}

}  // namespace graphrt::cuda
