#include "long_sum_cases.h"

#include <algorithm>

#include "kernel_test_support.h"
#include "training_cases.h"

namespace graphrt {
namespace {

Tensor filled(const Shape& shape, float number) {
  Tensor tensor = zeros({ElementType::kF32, shape});
  std::ranges::fill(tensor.as<float>(), number);
  return tensor;
}

LongSum product(int64_t m, int64_t n, int64_t k, bool transpose_a) {
  return {"matmul",
          {{filled(transpose_a ? Shape{k, m} : Shape{m, k}, 0.1F), filled({k, n}, 0.1F)},
           with({{"transpose_a", transpose_a}})}};
}

/// Of three rows, the first has two thirds of the indices and the last one third.
LongSum embedding_gradient() {
  constexpr int64_t kCount = 300'000;
  Tensor index = zeros({ElementType::kI32, {kCount}});
  for (size_t i = 0; i < kCount; i += 3) index.as<int32_t>()[i] = 2;
  return {"embedding_grad",
          {{filled({kCount, 2}, 0.1F), std::move(index)}, with({{"rows", int64_t{3}}})}};
}

/// The same of operands of 16 bits, with an f32 as its result.
LongSum of_short_elements(ElementType element, LongSum sum) {
  for (Tensor& input : sum.use.inputs) {
    if (input.type.element == ElementType::kF32) input = floats_as(input, element);
  }
  if (find_attribute(*find_op(sum.op), "to")) sum.use.attributes.set("to", "f32");
  return sum;
}

}  // namespace

std::vector<LongSum> long_sum_uses() {
  constexpr ElementType kBF16 = ElementType::kBF16;
  constexpr ElementType kF16 = ElementType::kF16;
  return {of_short_elements(kBF16, embedding_gradient()),
          of_short_elements(kF16, {"sum", {{filled({1'000'003}, 0.1F)}, {}}}),
          of_short_elements(kBF16, {"mean", {{filled({1'000'003}, 3e38F)}, {}}}),
          of_short_elements(kF16, {"norm", {{filled({1'000'003}, 1e-7F)}, {}}}),
          of_short_elements(kBF16, {"sum_of_squares", {{filled({1'000'003}, 0.1F)}, {}}}),
          embedding_gradient(),
          {"norm", {{filled({1'000'003}, 1e30F)}, {}}},
          {"norm", {{filled({1'000'003}, 1e-30F)}, {}}},
          {"sum", {{filled({1'000'003}, 0.1F)}, {}}},
          {"mean", {{filled({1'000'003}, 3e38F)}, {}}},
          {"sum_of_squares", {{filled({1'000'003}, 0.1F)}, {}}}};
}

std::vector<LongSum> long_product_uses() {
  return {of_short_elements(ElementType::kBF16, product(1, 1, 1'000'003, false)),
          of_short_elements(ElementType::kF16, product(50, 30, 65'536, true)),
          product(1, 1, 1'000'003, false),
          product(8, 3, 1'000'003, true),
          product(1, 1, 16'000'000, false),
          product(50, 30, 65'536, true)};
}

}  // namespace graphrt
