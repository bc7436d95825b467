// Chains of elementwise functions: each element goes through all of them in registers.
#include <algorithm>
#include <utility>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/functions.cuh"
#include "runtime/kernels/cuda/launch.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/op/chain.h"

namespace graphrt::cuda {
namespace {

// The result may take the bytes of any operand of its type: a thread reads all its elements before
// it writes the first, and no other thread reads them.

/// As kernels take it as an argument.
struct Step {
  ElementFunction function;
  bool running_is_second;
  int8_t input;  ///< kNoInput for functions of one operand
  float factor;
};
constexpr int8_t kNoInput = -1;

/// Units: elements.
template <class T, class Index>
struct Steps {
  const T* inputs[kMaxChainInputs];
  Index sizes[kMaxChainInputs];  ///< of the inputs, which are repeated over and over
  Step steps[kMaxChainSteps];
  int num_steps;
  int start;
};

/// Elements `first` to `first + kSize` of an input repeated over and over.
/// Requires: for vectors, its address is aligned to them, and its size is 1, a multiple of theirs,
///           or that of the result.
template <int kSize, class T, class Index>
__device__ Vector<float, kSize> load_repeated(const T* input, Index size, Index first,
                                              Index num_elements) {
  if (size == 1) {
    Vector<float, kSize> vector;
    const float constant = widened(*input);
    for (float& element : vector.lane) element = constant;
    return vector;
  }
  return load_floats<kSize, true>(input + (size == num_elements ? first : first % size));
}

template <int kSize, class Function>
__device__ void map(Function function, Vector<float, kSize>& running) {
  for (float& element : running.lane) element = function(element);
}

/// running = function(a, b).
template <int kSize, class Function>
__device__ void zip(Function function, const Vector<float, kSize>& a, const Vector<float, kSize>& b,
                    Vector<float, kSize>& running) {
  for (int i = 0; i < kSize; ++i) running.lane[i] = function(a.lane[i], b.lane[i]);
}

// One for each kind of element_functions.def: running = step(a, b); of a map, b is not read.

template <class Function, int kSize>
__device__ void run_Map(const Step&, const Vector<float, kSize>&, const Vector<float, kSize>&,
                        Vector<float, kSize>& running) {
  map(Function(), running);
}

template <class Function, int kSize>
__device__ void run_Scaled(const Step& step, const Vector<float, kSize>&,
                           const Vector<float, kSize>&, Vector<float, kSize>& running) {
  map(Function{step.factor}, running);
}

template <class Function, int kSize>
__device__ void run_Pair(const Step&, const Vector<float, kSize>& a, const Vector<float, kSize>& b,
                         Vector<float, kSize>& running) {
  zip(Function(), a, b, running);
}

template <class Function, int kSize>
__device__ void run_Zip(const Step& step, const Vector<float, kSize>& a,
                        const Vector<float, kSize>& b, Vector<float, kSize>& running) {
  run_Pair<Function>(step, a, b, running);
}

template <class Function, int kSize>
__device__ void run_Arithmetic(const Step& step, const Vector<float, kSize>& a,
                               const Vector<float, kSize>& b, Vector<float, kSize>& running) {
  run_Pair<Function>(step, a, b, running);
}

/// Of a step with one operand, `beside` is not read.
template <int kSize>
__device__ void run_step(const Step& step, const Vector<float, kSize>& beside,
                         Vector<float, kSize>& running) {
  const Vector<float, kSize> a = step.running_is_second ? beside : running;
  const Vector<float, kSize> b = step.running_is_second ? running : beside;
  switch (step.function) {
#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) \
  case ElementFunction::k##Functor:                       \
    return run_##kind<Functor>(step, a, b, running);
#include "runtime/op/element_functions.def"
  }
}

/// y[first] to y[first + kSize]. All threads take the same way through the steps.
template <int kSize, class T, class Index>
__device__ void run_steps(const Steps<T, Index>& chain, T* y, Index first, Index num_elements) {
  const auto load_input = [&](int input) {
    return load_repeated<kSize>(chain.inputs[input], chain.sizes[input], first, num_elements);
  };
  Vector<float, kSize> running = load_input(chain.start);
  // Not unrolled: a product and the sum after it stay two steps, each with its rounding.
#pragma unroll 1
  for (int i = 0; i < chain.num_steps; ++i) {
    const Step& step = chain.steps[i];
    Vector<float, kSize> beside = running;
    if (step.input != kNoInput) beside = load_input(step.input);
    run_step(step, beside, running);
  }
  store_floats<kSize, true>(y + first, running);
}

template <int kSize, class T, class Index>
__global__ void chain_elements(const __grid_constant__ Steps<T, Index> chain, T* y,
                               Index num_elements) {
  const auto thread = static_cast<Index>(thread_number());
  const Index num_vectors = num_elements / kSize;
  if (thread < num_vectors) return run_steps<kSize>(chain, y, thread * kSize, num_elements);
  const Index i = num_vectors * kSize + (thread - num_vectors);
  if (i < num_elements) run_steps<1>(chain, y, i, num_elements);
}

template <class T, class Index>
Steps<T, Index> steps_of(const Chain& chain, std::span<const TensorType> inputs) {
  Steps<T, Index> result = {};
  for (size_t i = 0; i < inputs.size(); ++i) {
    result.sizes[i] = static_cast<Index>(inputs[i].num_elements());
  }
  result.start = static_cast<int>(chain.start);
  for (const ChainStep& step : chain.steps) {
    result.steps[result.num_steps++] = {step.function, step.running_is_second,
                                        step.input ? static_cast<int8_t>(*step.input) : kNoInput,
                                        static_cast<float>(step.factor)};
  }
  return result;
}

/// Whether kWidest elements of every operand lie beside each other, wherever a vector begins.
bool chain_takes_vectors(std::span<const TensorType> inputs, int64_t num_elements) {
  return std::all_of(inputs.begin(), inputs.end(), [&](const TensorType& input) {
    const int64_t size = input.num_elements();
    return size == 1 || size == num_elements || size % kWidest == 0;
  });
}

/// Of floats stored as T. What is between the steps is f32.
template <class T, class Index>
class ChainKernel : public CudaKernel {
 public:
  ChainKernel(const Chain& chain, std::span<const TensorType> inputs, int64_t num_elements)
      : steps_(steps_of<T, Index>(chain, inputs)),
        num_elements_(num_elements),
        takes_vectors_(chain_takes_vectors(inputs, num_elements)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    auto* y = elements<T>(at.result());
    Steps<T, Index> steps = steps_;
    bool fit_vectors = takes_vectors_ && are_aligned(kVectorBytes, y);
    for (size_t i = 0; i < at.inputs.size(); ++i) {
      steps.inputs[i] = elements<T>(at.inputs[i]);
      // A single element is read alone.
      const bool is_scalar = steps.sizes[i] == 1;
      fit_vectors = fit_vectors && (is_scalar || are_aligned(kVectorBytes, steps.inputs[i]));
    }
    return fit_vectors ? launch_with<kWidest>(steps, y, queue) : launch_with<1>(steps, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const Steps<T, Index>& steps, T* y, const CudaQueue& queue) const {
    const unsigned num_blocks = num_blocks_for(num_threads_for<kSize>(num_elements_));
    chain_elements<kSize><<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(
        steps, y, static_cast<Index>(num_elements_));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Steps<T, Index> steps_;
  int64_t num_elements_;
  bool takes_vectors_;
};

}  // namespace

KernelResult prepare_elementwise(const KernelSpec& spec) {
  TRY(const Chain chain, parse_chain(spec.attributes.text("formula", "")));
  const int64_t num_elements = spec.result().num_elements();
  return with_device_float(spec.result().element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    if (fits_32_bits(num_elements)) {
      return std::make_unique<ChainKernel<T, uint32_t>>(chain, spec.inputs, num_elements);
    }
    return std::make_unique<ChainKernel<T, uint64_t>>(chain, spec.inputs, num_elements);
  });
}

}  // namespace graphrt::cuda
