// Chains against numbers worked out by hand, and against the operators that they are made of.
#include "chain_cases.h"
#include "expected_values.h"

namespace graphrt {
namespace {

Attributes formula(std::string text) { return with({{"formula", std::move(text)}}); }

INSTANTIATE_TEST_SUITE_P(Chains, ExpectedValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

TEST_P(ExpectedValues, ChainsOfArithmetic) {
  const Tensor x = f32({2, 2}, {1, -2, 3, -4});
  const Tensor row = f32({2}, {10, 1});
  expect("elementwise", {x}, f32({2, 2}, {1, 0, 3, 0}), formula("relu(x0)"));
  // (x + row)+ * 2, then 30 over that.
  expect("elementwise", {x, row}, f32({2, 2}, {22, 0, 26, 0}),
         formula("scale(relu(add(x0, x1)), 2)"));
  expect("elementwise", {f32({}, {30}), row, x}, f32({2, 2}, {30.0F / 22, kInf, 30.0F / 26, kInf}),
         formula("div(x0, scale(relu(add(x1, x2)), 2))"));
  expect("elementwise", {x, row}, f32({2, 2}, {-9, -3, -7, -5}), formula("sub(x0, x1)"));
  expect("elementwise", {row, x}, f32({2, 2}, {9, 3, 7, 5}), formula("sub(x0, x1)"));
  // x (x - x x): the same operand in every place.
  expect("elementwise", {x}, f32({2, 2}, {0, 12, -18, 80}),
         formula("mul(x0, sub(x0, mul(x0, x0)))"));
}

TEST_P(ExpectedValues, ChainsWithFunctionsOfTheLibrary) {
  const Tensor x = f32({3}, {0, 0.693147181F, kNan});
  expect("elementwise", {x}, f32({3}, {1, 0.5F, kNan}), formula("exp(scale(x0, -1))"));
  expect("elementwise", {x}, f32({3}, {0.5F, 2.0F / 3, kNan}), formula("sigmoid(log(exp(x0)))"));
  // sqrt(tanh(log 2) + 0.04) = sqrt(0.6 + 0.04)
  expect("elementwise", {x, f32({}, {0.04F})}, f32({3}, {0.2F, 0.8F, kNan}),
         formula("sqrt(add(tanh(x0), x1))"));
  expect("elementwise", {f32({2}, {0, 1})}, f32({2}, {0, 2 * 0.841344746F}),
         formula("scale(gelu(x0), 2)"));
}

TEST_P(ExpectedValues, ChainsOfGradients) {
  const Tensor gradient = f32({2, 2}, {1, 2, 3, 4});
  const Tensor y = f32({2}, {-0.5F, 0.5F});
  expect("elementwise", {gradient, y}, f32({2, 2}, {0, 4, 0, 8}),
         formula("scale(relu_grad(x0, x1), 2)"));
  expect("elementwise", {gradient, y}, f32({2, 2}, {0.75F, 1.5F, 2.25F, 3}),
         formula("tanh_grad(relu(x0), x1)"));
  // g y (1 - y), for y = g / 2
  expect("elementwise", {gradient}, f32({2, 2}, {0.25F, 0, -2.25F, -8}),
         formula("sigmoid_grad(x0, scale(x0, 0.5))"));
  expect("elementwise", {gradient, f32({}, {0})}, f32({2, 2}, {0.5F, 1, 1.5F, 2}),
         formula("gelu_grad(relu(x0), x1)"));
}

// The CPU's kernel goes by blocks of 512 elements. Rows end within them, or they within rows.
TEST_P(ExpectedValues, ChainsOfSeveralBlocks) {
  for (const int64_t num_columns : {1, 3, 256, 511, 700, 1024, 2000}) {
    Tensor x = zeros({ElementType::kF32, {3, num_columns}});
    Tensor row = zeros({ElementType::kF32, {num_columns}});
    Tensor wanted = x;
    for (size_t i = 0; i < x.as<float>().size(); ++i) {
      const size_t column = i % row.as<float>().size();
      x.as<float>()[i] = static_cast<float>(i);
      row.as<float>()[column] = static_cast<float>(10 * column);
      wanted.as<float>()[i] = static_cast<float>(2 * i + 10 * column);
    }
    expect("elementwise", {x, row, f32({}, {1})}, wanted,
           formula("mul(x2, add(x1, scale(x0, 2)))"));
    expect("elementwise", {x, row, f32({}, {2})}, wanted, formula("add(mul(x2, x0), x1)"));
  }
}

constexpr uint32_t kSeed = 20240918;
constexpr int kNumCases = 300;

TEST(Chains, GiveTheBitsOfTheOperatorsThatTheyAreMadeOf) {
  for (const BackEnd& back_end : kCpuAndReference) {
    Dice dice(kSeed);
    for (int i = 0; i < kNumCases; ++i) {
      const OperatorUse use = chain_use(dice);
      ASSERT_EQ(back_end.run("elementwise", use.inputs, use.attributes).data,
                run_step_by_step(use, back_end.run).data)
          << back_end.name << ", " << use.attributes.text("formula", "") << ", case " << i
          << " of seed " << kSeed;
    }
  }
}

// What random chains leave out: zeros, infinities and numbers that are none.
TEST(Chains, GiveTheBitsOfTheOperatorsForSpecialValues) {
  const Tensor x = f32({8}, {0, -0.0F, 1, -1, kInf, -kInf, 1e-42F, 3e38F});
  const Tensor y = f32({8}, {1, 0, 0, 2, -1, kInf, -0.0F, 2});
  for (const char* text :
       {"relu(add(x0, x1))", "scale(mul(x0, x1), 0)", "exp(sub(x1, x0))", "tanh(div(x1, x0))",
        "sigmoid(scale(x0, 100))", "gelu(mul(x0, x1))", "log(relu(x0))", "sqrt(scale(x0, -1))",
        "relu_grad(x1, sub(x0, x1))", "tanh_grad(x1, relu(x0))", "gelu_grad(x1, relu(x0))",
        "sigmoid_grad(relu(x1), x0)"}) {
    const std::vector<Tensor> inputs = {x, y};
    const bool uses_both = std::string_view(text).find("x1") != std::string_view::npos;
    const OperatorUse use{uses_both ? inputs : std::vector<Tensor>{x}, formula(text)};
    for (const BackEnd& back_end : kCpuAndReference) {
      EXPECT_TRUE(same(back_end.run("elementwise", use.inputs, use.attributes),
                       run_step_by_step(use, back_end.run), 0))
          << back_end.name << ", " << text;
    }
  }
}

}  // namespace
}  // namespace graphrt
