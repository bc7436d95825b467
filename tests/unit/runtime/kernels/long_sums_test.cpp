// Sums of so many terms that their order shows in f32.
#include "expected_values.h"
#include "long_sum_cases.h"

namespace graphrt {
namespace {

/// Of the same number throughout.
Tensor constant(const Shape& shape, float number) {
  Tensor tensor = zeros({ElementType::kF32, shape});
  for (float& x : tensor.as<float>()) x = number;
  return tensor;
}

// The reference adds in double.
void expect_digits_of_reference(const std::vector<LongSum>& sums) {
  for (const auto& [op, use] : sums) {
    const Tensor found = run_cpu(op, use.inputs, use.attributes);
    const Tensor wanted = run_reference(op, use.inputs, use.attributes);
    for (size_t i = 0; i < wanted.as<float>().size(); ++i) {
      const float expected = wanted.as<float>()[i];
      EXPECT_NEAR(found.as<float>()[i], expected, 1e-5F * expected)
          << op << " " << to_string(use.inputs[0].type) << ", element " << i;
    }
  }
}

TEST(LongSumsOnTheCpu, KeepTheirDigits) { expect_digits_of_reference(long_sum_uses()); }
TEST(LongSumsOnTheCpu, OfProductsKeepTheirDigits) {
  expect_digits_of_reference(long_product_uses());
}

// Blocks of indices end in the middle of rows; some name no row, and rows are longer than blocks.
TEST(LongSumsOnTheCpu, EmbeddingGradAddsUpEveryRowOfEveryBlock) {
  constexpr int64_t kCount = 20'001;
  constexpr int64_t kRows = 1000;
  constexpr int64_t kColumns = 3;
  Tensor gradient = zeros({ElementType::kF32, {kCount, kColumns}});
  Tensor index = zeros({ElementType::kI32, {kCount}});
  for (size_t i = 0; i < kCount; ++i) {
    index.as<int32_t>()[i] = static_cast<int32_t>(i * i % (kRows + 7)) - 3;
  }
  for (size_t i = 0; i < gradient.as<float>().size(); ++i) {
    gradient.as<float>()[i] = static_cast<float>(i % 11) - 4;
  }
  const Attributes rows = with({{"rows", kRows}});
  EXPECT_EQ(run_cpu("embedding_grad", {gradient, index}, rows),
            run_reference("embedding_grad", {gradient, index}, rows));
  const Tensor wide = constant({2, 1300}, 0.5F);
  EXPECT_EQ(run_cpu("embedding_grad", {wide, i32({2}, {0, 0})}, with({{"rows", int64_t{1}}})),
            constant({1, 1300}, 1));
}

/// a[i, k] = i % 7 where k % 3 is 0, else 0; b[k, j] = j % 5. All sums are exact in f32.
struct CountedProduct {
  int64_t m;
  int64_t n;
  int64_t k;

  std::vector<Tensor> operands(bool transpose_a, bool transpose_b) const {
    Tensor a = zeros({ElementType::kF32, transpose_a ? Shape{k, m} : Shape{m, k}});
    Tensor b = zeros({ElementType::kF32, transpose_b ? Shape{n, k} : Shape{k, n}});
    for (int64_t term = 0; term < k; ++term) {
      for (int64_t i = 0; i < m && term % 3 == 0; ++i) {
        a.as<float>()[at(transpose_a ? term * m + i : i * k + term)] = static_cast<float>(i % 7);
      }
      for (int64_t j = 0; j < n; ++j) {
        b.as<float>()[at(transpose_b ? j * k + term : term * n + j)] = static_cast<float>(j % 5);
      }
    }
    return {std::move(a), std::move(b)};
  }

  Tensor result() const {
    Tensor y = zeros({ElementType::kF32, {m, n}});
    for (int64_t i = 0; i < m * n; ++i) {
      const int64_t num_terms = (k + 2) / 3;
      y.as<float>()[at(i)] = static_cast<float>(i / n % 7 * (i % n % 5) * num_terms);
    }
    return y;
  }

  static size_t at(int64_t i) { return static_cast<size_t>(i); }
};

// Sums in pieces; results in tiles, of which the last are smaller.
TEST(LongSumsOnTheCpu, ProductsOfEveryShapeAreWhole) {
  for (const CountedProduct& product : {CountedProduct{270, 300, 8200}, {3, 5, 16'384}}) {
    for (const bool transpose_a : {false, true}) {
      for (const bool transpose_b : {false, true}) {
        const Attributes attributes =
            with({{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
        const auto operands = product.operands(transpose_a, transpose_b);
        ASSERT_EQ(run_cpu("matmul", operands, attributes), product.result())
            << product.m << " " << product.n << " " << product.k << transpose_a << transpose_b;
      }
    }
  }
}

TEST(LongSumsOnTheCpu, ProductsWithAnEpilogueAndInBatchesAreWhole) {
  const CountedProduct product{3, 5, 8193};
  auto operands = product.operands(false, false);
  operands.push_back(constant({5}, 1));
  Tensor wanted = product.result();
  for (float& x : wanted.as<float>()) x += 1;
  EXPECT_EQ(run_cpu("matmul", operands, with({{"relu", true}})), wanted);
  const Tensor a = constant({2, 1, 8193}, 1);
  const Tensor b = constant({2, 8193, 1}, 2);
  EXPECT_EQ(run_cpu("matmul", {a, b}, {}), f32({2, 1, 1}, {16'386, 16'386}));
}

TEST(LongSumsOnTheCpu, UpdatesOfEveryShapeAreWhole) {
  for (const CountedProduct& product :
       {CountedProduct{530, 520, 300}, {30, 9000, 300}, {270, 300, 8200}, {3, 5, 240}}) {
    for (const bool transpose_a : {false, true}) {
      std::vector<Tensor> operands = product.operands(transpose_a, !transpose_a);
      operands.insert(operands.begin(), constant({product.m, product.n}, 1));
      Tensor wanted = product.result();
      for (float& x : wanted.as<float>()) x = 1 - 0.5F * x;
      ASSERT_EQ(run_cpu("matmul_sgd_update", operands,
                        with({{"learning_rate", 0.5},
                              {"transpose_a", transpose_a},
                              {"transpose_b", !transpose_a}})),
                wanted)
          << product.m << " " << product.n << " " << product.k;
    }
  }
}

// Updates of 1.4 units in the last place of the weight, which move it by one; each block of the
// sum has too little to change it.
TEST(LongSumsOnTheCpu, SmallUpdatesAreNotLost) {
  for (const int64_t num_terms : {100, 300, 1000, 3000, 10'000, 65'536}) {
    const Tensor a = constant({num_terms, 2}, 1);
    const Tensor b = constant({num_terms, 3}, 1.0F / static_cast<float>(num_terms));
    const auto attributes = with({{"learning_rate", 1.4 * 0x1p-23}, {"transpose_a", true}});
    Tensor fused = constant({2, 3}, 1.5F);
    Tensor apart = fused;
    for (int step = 0; step < 20; ++step) {
      fused = run_cpu("matmul_sgd_update", {fused, a, b}, attributes);
      const Tensor gradient = run_cpu("matmul", {a, b}, with({{"transpose_a", true}}));
      apart = run_cpu("sgd_update", {apart, gradient}, with({{"learning_rate", 1.4 * 0x1p-23}}));
    }
    EXPECT_EQ(fused, constant({2, 3}, 1.5F - 20 * 0x1p-23F)) << num_terms;
    EXPECT_EQ(apart, fused) << num_terms;
  }
}

}  // namespace
}  // namespace graphrt
