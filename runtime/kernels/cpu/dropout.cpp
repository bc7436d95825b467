#include <algorithm>
#include <cmath>

#include "runtime/base/philox.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

/// Elements whose numbers come from one block of Philox.
constexpr int64_t kBlockSize = 4;

/// Element i of the whole is kept where its random number, word i % 4 of block i / 4, is at least
/// `threshold`; the key is the seed, and the step is part of the counter. Integers decide, and
/// the one product of floats is rounded once: every back end gives the same bits.
template <class T>
class DropoutKernel : public PreparedKernel {
 public:
  DropoutKernel(const Attributes& attributes, int64_t num_elements)
      : num_elements_(num_elements),
        first_(attributes.integer("first", 0)),
        seed_(static_cast<uint64_t>(attributes.integer("seed", 0))),
        threshold_(static_cast<uint64_t>(std::ceil(attributes.number("rate", 0) * 0x1p32))),
        factor_(static_cast<float>(1 / (1 - attributes.number("rate", 0)))) {}

  void run(const KernelArguments& at) const override {
    const T* x = elements<T>(at.inputs[0]);
    const auto step = static_cast<uint32_t>(*elements<int32_t>(at.inputs[1]));
    T* y = elements<T>(at.result());
    const int64_t end = first_ + num_elements_;
    for (int64_t block = first_ / kBlockSize; block * kBlockSize < end; ++block) {
      const auto words = random_words(static_cast<uint64_t>(block), step);
      const int64_t block_begin = block * kBlockSize;
      const int64_t begin = std::max(block_begin, first_);
      for (int64_t i = begin; i < std::min(block_begin + kBlockSize, end); ++i) {
        const bool is_kept = words[static_cast<size_t>(i - block_begin)] >= threshold_;
        y[i - first_] = is_kept ? T(widened(x[i - first_]) * factor_) : T{};
      }
    }
  }

 private:
  std::array<uint32_t, 4> random_words(uint64_t block, uint32_t step) const {
    return philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), step, 0},
                      {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
  }

  int64_t num_elements_;
  int64_t first_;
  uint64_t seed_;
  uint64_t threshold_;  ///< the rate, of 2^32
  float factor_;
};

}  // namespace

KernelResult prepare_dropout(const KernelSpec& spec) {
  return by_float(spec.result(), [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<DropoutKernel<T>>(spec.attributes, spec.result().num_elements());
  });
}

}  // namespace graphrt::cpu
