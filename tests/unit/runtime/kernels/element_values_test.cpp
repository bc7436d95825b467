// Operators that add up, on elements of 16 bits and with labels and indices of 64.
#include <algorithm>
#include <limits>
#include <set>

#include "element_cases.h"
#include "expected_values.h"
#include "layer_cases.h"
#include "training_cases.h"

namespace graphrt {
namespace {

class ElementValues : public ExpectedValues {};
INSTANTIATE_TEST_SUITE_P(BackEnds, ElementValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

constexpr std::array kShort = {ElementType::kBF16, ElementType::kF16};

Tensor filled(ElementType element, const Shape& shape, float number) {
  Tensor tensor = zeros({ElementType::kF32, shape});
  std::ranges::fill(tensor.as<float>(), number);
  return floats_as(tensor, element);
}

Tensor bf16(Shape shape, const std::vector<float>& elements) {
  return floats_as(f32(std::move(shape), elements), ElementType::kBF16);
}

Tensor i64(Shape shape, const std::vector<int64_t>& elements) {
  return tensor_of<int64_t>(std::move(shape), elements);
}

Attributes to(ElementType element) { return with({{"to", std::string(to_string(element))}}); }

// With 8 bits, 256 + 1 is 256: a sum that went on in them would stop there.
TEST_P(ElementValues, SumsAreNotKeptInTheTypeOfTheirTerms) {
  constexpr int64_t kCount = 3000;
  const Tensor ones = filled(ElementType::kBF16, {kCount, 2}, 1);
  const Attributes rows = with({{"axes", List{0}}});
  EXPECT_EQ(run("sum", {ones}, rows), bf16({2}, {3008, 3008}));  // a multiple of 16
  Attributes wide = rows;
  wide.set("to", "f32");
  EXPECT_EQ(run("sum", {ones}, wide), f32({2}, {3000, 3000}));
  EXPECT_EQ(run("mean", {ones}, rows), bf16({2}, {1, 1}));
  EXPECT_EQ(run("matmul", {ones, ones}, with({{"transpose_a", true}})),
            bf16({2, 2}, {3008, 3008, 3008, 3008}));
  const Tensor index = zeros({ElementType::kI64, {kCount}});
  EXPECT_EQ(run("embedding_grad", {ones, index}, with({{"rows", int64_t{2}}})),
            bf16({2, 2}, {3008, 3008, 0, 0}));
  EXPECT_EQ(run("norm", {ones}), f32({}, {77.4596669F}));
  EXPECT_EQ(run("sum_of_squares", {ones}), f32({}, {6000}));
}

// A product of 1 + 1/128 and itself has 1/16384 too much for 8 bits; the bias takes the rest away.
TEST_P(ElementValues, ProductsAreRoundedOnceTheyAreWhole) {
  const Tensor x = bf16({1, 1}, {1.0078125F});
  EXPECT_EQ(run("matmul", {x, x}), bf16({1, 1}, {1.015625F}));
  EXPECT_EQ(run("matmul", {x, x, bf16({1}, {-1.015625F})}), bf16({1, 1}, {0x1p-14F}));
  EXPECT_EQ(run("matmul", {x, x}, to(ElementType::kF32)), f32({1, 1}, {1.01568603515625F}));
  Attributes all = to(ElementType::kF16);
  all.set("alpha", -2.0);
  all.set("relu", true);
  EXPECT_EQ(run("matmul", {x, x, floats_as(f32({1}, {3}), ElementType::kF16)}, all),
            floats_as(f32({1, 1}, {0.9686279296875F}), ElementType::kF16));
  EXPECT_EQ(
      run("matmul", {f32({1, 1}, {1.0078125F}), f32({1, 1}, {1.0078125F})}, to(ElementType::kBF16)),
      bf16({1, 1}, {1.015625F}));
}

// 120000 is no f16, and neither is the square of 60000.
TEST_P(ElementValues, WhatIsBetweenMayBeLargerThanTheType) {
  const auto f16 = [](Shape shape, const std::vector<float>& elements) {
    return floats_as(f32(std::move(shape), elements), ElementType::kF16);
  };
  const Tensor large = f16({1, 2}, {60000, 60000});
  EXPECT_EQ(run("mean", {large}), f16({}, {60000}));
  EXPECT_EQ(run("sum", {large}), f16({}, {std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(run("sum", {large}, to(ElementType::kF32)), f32({}, {120'000}));
  EXPECT_EQ(run("rms_norm", {large, f32({2}, {1, 2})}), f16({1, 2}, {1, 2}));
  EXPECT_EQ(run("matmul", {large, f16({1, 2}, {0.5F, 0.25F})}, with({{"transpose_b", true}})),
            f16({1, 1}, {44'992}));
}

TEST_P(ElementValues, LabelsAndIndicesMayHave64Bits) {
  const Tensor logits = bf16({2, 3}, {1, 2, 3, 6, 5, 4});
  // Seen as 32 bits, the first would be label 0 and index 0.
  const Tensor outside = i64({2}, {int64_t{1} << 32, 1});
  EXPECT_EQ(run("accuracy", {logits, i64({2}, {2, 1})}), f32({}, {0.5F}));
  EXPECT_EQ(run("accuracy", {f32({1, 2}, {1, 0}), i64({1}, {int64_t{1} << 32})}), f32({}, {0}));
  EXPECT_TRUE(std::isnan(run("softmax_cross_entropy", {logits, outside}).as<float>()[0]));
  expect("softmax_cross_entropy", {logits, i64({2}, {2, 0})}, f32({}, {0.407605964F}));
  const Tensor gradient =
      run("softmax_cross_entropy_grad", {logits, outside}, with({{"scale", 1.0}}));
  EXPECT_TRUE(same(
      gradient, bf16({2, 3}, {kNan, kNan, kNan, 0.665240956F, -0.755271529F, 0.0900305732F}), 0));
  const Tensor table = f32({2, 1}, {3, 4});
  expect("embedding", {table, outside}, f32({2, 1}, {kNan, 4}));
  expect("embedding", {table, outside}, bf16({2, 1}, {kNan, 4}), to(ElementType::kBF16));
  for (const ElementType element : kShort) {
    EXPECT_EQ(run("embedding_grad", {floats_as(f32({2, 1}, {3, 4}), element), outside},
                  with({{"rows", int64_t{2}}})),
              floats_as(f32({2, 1}, {0, 4}), element));
  }
}

// 1 + 2^-10 is an f32, whatever the gradient is stored as.
TEST_P(ElementValues, StatesOfOptimizersStayF32) {
  const Tensor state = f32({2}, {1, 2});
  for (const ElementType element : kShort) {
    const Tensor gradient = floats_as(f32({2}, {-0x1p-9F, 4}), element);
    EXPECT_EQ(run("sgd_update", {state, gradient}, with({{"learning_rate", 0.5}})),
              f32({2}, {1 + 0x1p-10F, 0}));
    EXPECT_EQ(run("momentum_update", {state, gradient}, with({{"momentum", 0.5}})),
              f32({2}, {0.5F - 0x1p-9F, 5}));
    EXPECT_EQ(run("moving_average", {state, gradient}, with({{"decay", 0.5}})),
              f32({2}, {0.5F - 0x1p-10F, 3}));
    EXPECT_EQ(run("moving_average_of_squares", {state, gradient}, with({{"decay", 0.5}})),
              f32({2}, {0.5F + 0x1p-19F, 9}));
  }
}

// The CPU's tiles end in the middle of each of these, and so do its pieces of sums.
TEST(ShortElementsOnTheCpu, LargeProductsAreWhole) {
  Dice dice(7);
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{600, 530, 5},
                                {3, 520, 40},
                                {520, 2, 40},
                                {3, 5, 9000},
                                {515, 1, 8200}}) {
    for (const bool transpose_a : {false, true}) {
      const int64_t num_products = k < 100 ? 2 : 1;
      const Tensor a =
          dice.f32(transpose_a ? Shape{num_products, k, m} : Shape{num_products, m, k});
      const Tensor b =
          dice.f32(transpose_a ? Shape{num_products, k, n} : Shape{num_products, n, k});
      const Attributes attributes =
          with({{"transpose_a", transpose_a}, {"transpose_b", !transpose_a}, {"to", "f32"}});
      for (const ElementType element : kShort) {
        const std::vector<Tensor> operands = {floats_as(a, element), floats_as(b, element)};
        // All sums are exact in f32: of numbers of 64ths, or of these rounded to 8 bits.
        ASSERT_EQ(run_cpu("matmul", operands, attributes),
                  run_reference("matmul", operands, attributes))
            << m << " " << n << " " << k << " " << to_string(element);
      }
    }
  }
}

// Two parts of a table of 5 M totals: each has some of the rows, then of the columns.
TEST(ShortElementsOnTheCpu, LargeTablesAreAddedUpInParts) {
  const Tensor index = i32({3}, {4'200'000, 5, 4'200'000});
  const Tensor y = run_cpu("embedding_grad", {bf16({3, 1}, {1, 2, 3}), index},
                           with({{"rows", int64_t{4'200'001}}}));
  std::set<size_t> used;
  for (size_t i = 0; i < y.as<BFloat16>().size(); ++i) {
    if (y.as<BFloat16>()[i].bits != 0) used.insert(i);
  }
  EXPECT_EQ(used, (std::set<size_t>{5, 4'200'000}));
  EXPECT_EQ(static_cast<float>(y.as<BFloat16>()[4'200'000]), 4);
  Tensor wide = filled(ElementType::kBF16, {2, 4'200'000}, 1);
  wide.as<BFloat16>()[4'199'999] = BFloat16(3.0F);
  const Tensor row =
      run_cpu("embedding_grad", {wide, i32({2}, {0, 0})}, with({{"rows", int64_t{1}}}));
  EXPECT_EQ(static_cast<float>(row.as<BFloat16>()[0]), 2);
  EXPECT_EQ(static_cast<float>(row.as<BFloat16>()[4'199'999]), 4);
}

// What random shapes are worth for other types depends on these being drawn.
TEST(ElementCases, DrawEveryTypeThatARuleTakes) {
  const auto drawn = [](std::string_view op, OperatorUse (*make)(Dice&)) {
    Dice dice(1);
    std::set<std::string> types;
    for (int i = 0; i < 200; ++i) {
      const OperatorUse use = in_other_elements(dice, op, make(dice));
      std::string text;
      for (const Tensor& input : use.inputs) {
        text += std::string(to_string(input.type.element)) + " ";
      }
      types.insert(text + "-> " +
                   std::string(to_string(result_type(op, use.inputs, use.attributes).element)));
    }
    return types;
  };
  EXPECT_EQ(drawn("rms_norm", norm_use),
            (std::set<std::string>{"bf16 bf16 -> bf16", "bf16 f32 -> bf16", "f16 f16 -> f16",
                                   "f16 f32 -> f16"}));
  EXPECT_EQ(drawn("softmax_cross_entropy", cross_entropy_use),
            (std::set<std::string>{"bf16 i32 -> f32", "bf16 i64 -> f32", "f16 i32 -> f32",
                                   "f16 i64 -> f32", "f32 i64 -> f32"}));
  EXPECT_EQ(drawn("embedding", embedding_use).size(), 18U);
  EXPECT_EQ(drawn("clip_factor", clip_factor_use), (std::set<std::string>{"f32 -> f32"}));
}

}  // namespace
}  // namespace graphrt
