// Chains of elementwise functions: a block of elements goes through all of them before the next.
#include <algorithm>
#include <array>

#include "runtime/kernels/cpu/functions.h"
#include "runtime/kernels/cpu/prepare.h"
#include "runtime/op/chain.h"

namespace graphrt::cpu {
namespace {

/// Elements that stay in the first cache, with one operand of each step: 2 KiB.
constexpr int64_t kBlock = 512;
using Block = std::array<float, kBlock>;

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
void repeat(std::span<const float> x, int64_t at, float* y, int64_t size) {
  if (x.size() == 1) {
    std::fill_n(y, size, x[0]);
    return;
  }
  while (size > 0) {
    const int64_t length = std::min(size, std::ssize(x) - at);
    y = std::copy_n(x.data() + at, length, y);
    size -= length;
    at = 0;
  }
}

class ChainKernel : public PreparedKernel {
 public:
  ChainKernel(Chain chain, std::span<const TensorType> inputs, int64_t num_elements)
      : chain_(std::move(chain)), num_elements_(num_elements) {
    for (size_t i = 0; i < inputs.size(); ++i) sizes_[i] = inputs[i].num_elements();
  }

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    for (int64_t begin = 0; begin < num_elements_; begin += kBlock) {
      run_block(inputs, begin, std::min(kBlock, num_elements_ - begin), elements<float>(output));
    }
  }

 private:
  /// The result is written in the last step alone: it may lie on an operand of any step.
  void run_block(std::span<const std::byte* const> inputs, int64_t begin, int64_t size,
                 float* output) const {
    Block running;
    Block first_of_repeated;
    Block repeated;
    const float* before = block_of(inputs, chain_.start, begin, size, first_of_repeated);
    for (const ChainStep& step : chain_.steps) {
      const float* a = before;
      const float* b = step.input ? block_of(inputs, *step.input, begin, size, repeated) : nullptr;
      if (step.running_is_second) std::swap(a, b);
      float* y = &step == &chain_.steps.back() ? output + begin : running.data();
      run_step(step, a, b, y, size);
      before = y;
    }
  }

  /// The elements of an input that belong to a block of the result; in `space` where it begins anew
  /// among them.
  const float* block_of(std::span<const std::byte* const> inputs, size_t input, int64_t begin,
                        int64_t size, Block& space) const {
    const auto* x = elements<float>(inputs[input]);
    const int64_t num_repeated = sizes_[input];
    const int64_t at = begin % num_repeated;
    if (at + size <= num_repeated) return x + at;
    repeat({x, static_cast<size_t>(num_repeated)}, at, space.data(), size);
    return space.data();
  }

  Chain chain_;
  std::array<int64_t, kMaxChainInputs> sizes_ = {};
  int64_t num_elements_;
};

}  // namespace

KernelResult prepare_elementwise(const KernelSpec& spec) {
  TRY(Chain chain, parse_chain(spec.attributes.text("formula", "")));
  return std::make_unique<ChainKernel>(std::move(chain), spec.inputs, spec.result.num_elements());
}

}  // namespace graphrt::cpu
