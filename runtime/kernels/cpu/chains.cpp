// Chains of elementwise functions: a block of elements goes through all of them before the next.
#include <algorithm>
#include <array>

#include "runtime/kernels/cpu/float_blocks.h"
#include "runtime/kernels/cpu/functions.h"
#include "runtime/kernels/cpu/prepare.h"
#include "runtime/op/chain.h"

namespace graphrt::cpu {
namespace {

// One for each kind of element_functions.def: y = step(a, b); of a map, b is not read.

template <class Function>
void run_Map(const ChainStep&, const float* a, const float*, float* y, int64_t size) {
  map_each(Function(), a, y, size);
}

template <class Function>
void run_Scaled(const ChainStep& step, const float* a, const float*, float* y, int64_t size) {
  map_each(Function{static_cast<float>(step.factor)}, a, y, size);
}

template <class Function>
void run_Pair(const ChainStep&, const float* a, const float* b, float* y, int64_t size) {
  zip_each(Function(), a, b, y, size);
}

template <class Function>
constexpr auto run_Zip = run_Pair<Function>;
template <class Function>
constexpr auto run_Arithmetic = run_Pair<Function>;

void run_step(const ChainStep& step, const float* a, const float* b, float* y, int64_t size) {
  switch (step.function) {
#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) \
  case ElementFunction::k##Functor:                       \
    return run_##kind<Functor>(step, a, b, y, size);
#include "runtime/op/element_functions.def"
  }
}

/// y = x from element `at` on, repeated over and over.
template <class T>
void repeat(std::span<const T> x, int64_t at, float* y, int64_t size) {
  if (x.size() == 1) {
    std::fill_n(y, size, static_cast<float>(x[0]));
    return;
  }
  const auto as_float = [](T element) { return static_cast<float>(element); };
  while (size > 0) {
    const int64_t length = std::min(size, std::ssize(x) - at);
    y = std::transform(x.data() + at, x.data() + at + length, y, as_float);
    size -= length;
    at = 0;
  }
}

/// Of floats stored as T. What is between the steps is f32.
template <class T>
class ChainKernel : public PreparedKernel {
 public:
  ChainKernel(Chain chain, std::span<const TensorType> inputs, int64_t num_elements)
      : chain_(std::move(chain)), num_elements_(num_elements) {
    for (size_t i = 0; i < inputs.size(); ++i) sizes_[i] = inputs[i].num_elements();
  }

  void run(const KernelArguments& at) const override {
    for (int64_t begin = 0; begin < num_elements_; begin += kFloatBlock) {
      const int64_t num_left = std::min(kFloatBlock, num_elements_ - begin);
      store_floats(num_left, elements<T>(at.result()) + begin,
                   [&](int64_t, int64_t size, float* y) { run_block(at.inputs, begin, size, y); });
    }
  }

 private:
  /// The result is written in the last step alone: it may lie on an operand of any step.
  void run_block(std::span<const std::byte* const> inputs, int64_t begin, int64_t size,
                 float* result) const {
    FloatBlock running;
    FloatBlock first_of_repeated;
    FloatBlock repeated;
    const float* before = block_of(inputs, chain_.start, begin, size, first_of_repeated);
    for (const ChainStep& step : chain_.steps) {
      const float* a = before;
      const float* b = step.input ? block_of(inputs, *step.input, begin, size, repeated) : nullptr;
      if (step.running_is_second) std::swap(a, b);
      float* y = &step == &chain_.steps.back() ? result : running.data();
      run_step(step, a, b, y, size);
      before = y;
    }
  }

  /// The elements of an input that belong to a block of the result; in `space` where they are no
  /// floats, or it begins anew among them.
  const float* block_of(std::span<const std::byte* const> inputs, size_t input, int64_t begin,
                        int64_t size, FloatBlock& space) const {
    const T* x = elements<T>(inputs[input]);
    const int64_t num_repeated = sizes_[input];
    const int64_t at = begin % num_repeated;
    if (at + size <= num_repeated) return load_floats(x + at, size, space);
    repeat(std::span(x, static_cast<size_t>(num_repeated)), at, space.data(), size);
    return space.data();
  }

  Chain chain_;
  std::array<int64_t, kMaxChainInputs> sizes_ = {};
  int64_t num_elements_;
};

}  // namespace

KernelResult prepare_elementwise(const KernelSpec& spec) {
  TRY(const Chain chain, parse_chain(spec.attributes.text("formula", "")));
  return with_float_type(spec.result().element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<ChainKernel<T>>(chain, spec.inputs, spec.result().num_elements());
  });
}

}  // namespace graphrt::cpu
