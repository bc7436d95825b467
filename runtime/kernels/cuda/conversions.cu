// Operators on elements of all types: cast, comparisons, logic and select; arithmetic of integers.
// Types are told apart by each thread: there are too many pairs of them for a kernel each. What
// training casts a lot, from one type of floats to another, has kernels of its own.
#include "runtime/kernels/cuda/conversions.cuh"

namespace graphrt::cuda {
namespace {

enum class AnyFunction : uint8_t {
  kCast,
  kNot,
  kAnd,
  kOr,
#define GRAPHC_COMPARISON(name, symbol) kIs_##name,
#include "runtime/op/comparisons.def"
  kAdd,
  kSub,
  kMul,
};

/// Elements of any type.
struct AnyElements {
  const std::byte* data;
  ElementType type;

  template <class T, class Index>
  __device__ T at(Index i) const {
    return reinterpret_cast<const T*>(data)[i];
  }
};

__device__ bool holds_floats(ElementType type) {
  return type == ElementType::kF32 || type == ElementType::kBF16 || type == ElementType::kF16;
}

template <class Index>
__device__ float float_at(const AnyElements& x, Index i) {
  if (x.type == ElementType::kBF16) return widened(x.at<__nv_bfloat16>(i));
  if (x.type == ElementType::kF16) return widened(x.at<__half>(i));
  return x.at<float>(i);
}

template <class Index>
__device__ int64_t integer_at(const AnyElements& x, Index i) {
  switch (x.type) {
    case ElementType::kI32:
      return x.at<int32_t>(i);
    case ElementType::kI64:
      return x.at<int64_t>(i);
    case ElementType::kI8:
      return x.at<int8_t>(i);
    case ElementType::kU8:
    case ElementType::kBool:
      return x.at<uint8_t>(i);
    default:
      return 0;  // a float
  }
}

template <class Index, class Number>
__device__ void put(std::byte* data, ElementType type, Index i, Number number) {
  const auto store_as = [&](auto tag) {
    using T = typename decltype(tag)::Type;
    reinterpret_cast<T*>(data)[i] = element_of<T>(number);
  };
  switch (type) {
    case ElementType::kF32:
      return store_as(TypeTag<float>());
    case ElementType::kBF16:
      return store_as(TypeTag<__nv_bfloat16>());
    case ElementType::kF16:
      return store_as(TypeTag<__half>());
    case ElementType::kI32:
      return store_as(TypeTag<int32_t>());
    case ElementType::kI64:
      return store_as(TypeTag<int64_t>());
    case ElementType::kI8:
      return store_as(TypeTag<int8_t>());
    case ElementType::kU8:
      return store_as(TypeTag<uint8_t>());
    case ElementType::kBool:
      return store_as(TypeTag<bool>());
  }
}

template <class Number>
__device__ bool holds(AnyFunction function, Number a, Number b) {
  switch (function) {
#define GRAPHC_COMPARISON(name, symbol) \
  case AnyFunction::kIs_##name:         \
    return a symbol b;
#include "runtime/op/comparisons.def"
    case AnyFunction::kNot:
      return a == 0;
    case AnyFunction::kAnd:
      return a != 0 && b != 0;
    case AnyFunction::kOr:
      return a != 0 || b != 0;
    default:
      return false;  // gives no truth
  }
}

/// Wraps around, which is defined for unsigned integers.
__device__ int64_t of_integers(AnyFunction function, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  const uint64_t result = function == AnyFunction::kAdd   ? x + y
                          : function == AnyFunction::kSub ? x - y
                          : function == AnyFunction::kMul ? x * y
                                                          : x;
  return static_cast<int64_t>(result);
}

/// y = function(a, b) with broadcasting; a function of one operand has the same one twice.
template <class Index>
__global__ void any_elements(AnyFunction function, const __grid_constant__ Walk<Index, 2> walk,
                             AnyElements a, AnyElements b, std::byte* y, ElementType type,
                             Index num_elements) {
  const auto i = static_cast<Index>(thread_number());
  if (i >= num_elements) return;
  const auto offsets = walk.offsets_at(i);
  const Index in_a = offsets.of[0];
  const Index in_b = offsets.of[1];
  const bool gives_number = function == AnyFunction::kCast || function >= AnyFunction::kAdd;
  if (holds_floats(a.type)) {
    const float left = float_at(a, in_a);
    if (gives_number) return put(y, type, i, left);
    return put(y, type, i, int64_t{holds(function, left, float_at(b, in_b))});
  }
  const int64_t left = integer_at(a, in_a);
  const int64_t right = integer_at(b, in_b);
  put(y, type, i, gives_number ? of_integers(function, left, right) : holds(function, left, right));
}

template <class Index>
class AnyKernel : public CudaKernel {
 public:
  AnyKernel(AnyFunction function, const KernelSpec& spec, std::span<const StridedDim> loops)
      : function_(function),
        from_(spec.inputs[0].element),
        to_(spec.result().element),
        num_elements_(spec.result().num_elements()),
        walk_(walk_of<Index, 2>(loops)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    any_elements<<<num_blocks_for(num_elements_), kThreadsPerBlock, 0, queue.stream>>>(
        function_, walk_, {at.inputs.front(), from_}, {at.inputs.back(), from_}, at.result(), to_,
        static_cast<Index>(num_elements_));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  AnyFunction function_;
  ElementType from_;
  ElementType to_;
  int64_t num_elements_;
  Walk<Index, 2> walk_;
};

KernelResult make_any(AnyFunction function, const KernelSpec& spec) {
  const auto loops =
      broadcast_loops(spec.inputs.front().shape, spec.inputs.back().shape, spec.result().shape);
  if (fits_32_bits(spec.result().num_elements())) {
    return std::make_unique<AnyKernel<uint32_t>>(function, spec, loops);
  }
  return std::make_unique<AnyKernel<uint64_t>>(function, spec, loops);
}

template <class From, class To>
struct CastFloats {
  __device__ To operator()(From x) const { return narrowed<To>(widened(x)); }
};

/// y = condition ? a : b with broadcasting, of elements of a size.
template <class Index, class T>
__global__ void select_elements(const __grid_constant__ Walk<Index, 3> walk, const bool* condition,
                                const T* a, const T* b, T* y, Index num_elements) {
  const auto i = static_cast<Index>(thread_number());
  if (i >= num_elements) return;
  const auto offsets = walk.offsets_at(i);
  y[i] = condition[offsets.of[0]] ? a[offsets.of[1]] : b[offsets.of[2]];
}

template <class Index, class T>
class SelectKernel : public CudaKernel {
 public:
  SelectKernel(int64_t num_elements, std::span<const StridedDim> loops)
      : num_elements_(num_elements), walk_(walk_of<Index, 3>(loops)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    select_elements<<<num_blocks_for(num_elements_), kThreadsPerBlock, 0, queue.stream>>>(
        walk_, elements<bool>(at.inputs[0]), elements<T>(at.inputs[1]), elements<T>(at.inputs[2]),
        elements<T>(at.result()), static_cast<Index>(num_elements_));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  int64_t num_elements_;
  Walk<Index, 3> walk_;
};

}  // namespace

KernelResult prepare_cast(const KernelSpec& spec) {
  const ElementType from = spec.inputs[0].element;
  const ElementType to = spec.result().element;
  if (!is_float(from) || !is_float(to)) return make_any(AnyFunction::kCast, spec);
  return with_device_float(from, [&](auto from_tag) {
    using From = typename decltype(from_tag)::Type;
    return with_device_float(to, [&](auto to_tag) {
      using To = typename decltype(to_tag)::Type;
      return make_convert<From, To>(spec, CastFloats<From, To>());
    });
  });
}

#define GRAPHC_COMPARISON(name, symbol)                 \
  KernelResult prepare_##name(const KernelSpec& spec) { \
    return make_any(AnyFunction::kIs_##name, spec);     \
  }
#include "runtime/op/comparisons.def"

KernelResult prepare_logical_and(const KernelSpec& spec) {
  return make_any(AnyFunction::kAnd, spec);
}
KernelResult prepare_logical_or(const KernelSpec& spec) { return make_any(AnyFunction::kOr, spec); }
KernelResult prepare_logical_not(const KernelSpec& spec) {
  return make_any(AnyFunction::kNot, spec);
}

KernelResult make_integer_sum(const KernelSpec& spec) { return make_any(AnyFunction::kAdd, spec); }
KernelResult make_integer_difference(const KernelSpec& spec) {
  return make_any(AnyFunction::kSub, spec);
}
KernelResult make_integer_product(const KernelSpec& spec) {
  return make_any(AnyFunction::kMul, spec);
}

KernelResult prepare_select(const KernelSpec& spec) {
  const auto loops = broadcast_loops(spec.inputs[0].shape, spec.inputs[1].shape,
                                     spec.inputs[2].shape, spec.result().shape);
  const int64_t num_elements = spec.result().num_elements();
  return by_size(spec, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    if (fits_32_bits(num_elements)) {
      return std::make_unique<SelectKernel<uint32_t, T>>(num_elements, loops);
    }
    return std::make_unique<SelectKernel<uint64_t, T>>(num_elements, loops);
  });
}

}  // namespace graphrt::cuda
