// Operands where formulas that are right on paper go wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "expected_values.h"
#include "extreme_cases.h"

namespace graphrt {
namespace {

using Floats = std::numeric_limits<float>;

class ExtremeValues : public testing::TestWithParam<ExtremeCase> {};
INSTANTIATE_TEST_SUITE_P(All, ExtremeValues, testing::ValuesIn(extreme_cases()),
                         [](const auto& test) { return test.param.name; });

TEST_P(ExtremeValues, AreWhatTheyShouldBe) {
  const ExtremeCase& tested = GetParam();
  for (const BackEnd& back_end : kCpuAndReference) {
    SCOPED_TRACE(back_end.name);
    EXPECT_TRUE(gives_wanted(back_end.run(tested.op, tested.inputs, tested.attributes), tested));
  }
}

/// All pairs of numbers that are anything special, and some that are not.
std::vector<Tensor> pairs_of_numbers() {
  const std::vector<float> numbers = {0,
                                      -0.0F,
                                      Floats::denorm_min(),
                                      -Floats::denorm_min(),
                                      0x1p-126F,
                                      1e-38F,
                                      1e-30F,
                                      0.1F,
                                      1.0F / 3,
                                      1 - 0x1p-24F,
                                      1,
                                      1.5F,
                                      -2,
                                      3.14159F,
                                      1e5F,
                                      -1e7F,
                                      1e20F,
                                      -1e30F,
                                      Floats::max() / 3,
                                      Floats::max(),
                                      -Floats::max(),
                                      Floats::infinity(),
                                      -Floats::infinity(),
                                      Floats::quiet_NaN()};
  std::vector<float> a;
  std::vector<float> b;
  for (const float x : numbers) {
    for (const float y : numbers) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  const Shape shape = {std::ssize(numbers), std::ssize(numbers)};
  return {f32(shape, a), f32(shape, b)};
}

/// Equal bits, but that a NaN is a NaN.
testing::AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (a.type != b.type) return testing::AssertionFailure() << "types differ";
  if (a.type.element != ElementType::kF32) return same(a, b, 0);
  for (size_t i = 0; i < a.as<float>().size(); ++i) {
    const float x = a.as<float>()[i];
    const float y = b.as<float>()[i];
    if (std::isnan(x) && std::isnan(y)) continue;
    if (std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y)) continue;
    return testing::AssertionFailure() << "element " << i << ": " << x << " != " << y;
  }
  return testing::AssertionSuccess();
}

// What is rounded once has one result: a constant that the compiler folds, with these kernels of
// the reference, is what the device would have computed.
TEST(ExactOperators, GiveTheBitsOfTheReference) {
  const std::vector<Tensor> pair = pairs_of_numbers();
  const std::vector<Tensor> single = {pair[0]};
  const Tensor step = i32({}, {3});
  const struct {
    std::string_view op;
    std::vector<Tensor> inputs;
    Attributes attributes;
  } uses[] = {
      {"add", pair, {}},
      {"sub", pair, {}},
      {"mul", pair, {}},
      {"div", pair, {}},
      {"equal", pair, {}},
      {"relu_grad", pair, {}},
      {"relu", single, {}},
      {"sqrt", single, {}},
      {"scale", single, with({{"factor", 0.1}})},
      {"scale", single, with({{"factor", 1e-40}})},
      {"max", pair, with({{"axes", List{0}}})},
      {"max", {pair[1]}, with({{"axes", List{1}}})},
      {"argmax", single, {}},
      {"dropout", {pair[0], step}, with({{"rate", 0.3}})},
      {"elementwise", pair, with({{"formula", "relu(scale(div(add(x0, x1), x1), 0.3))"}})},
  };
  for (const auto& use : uses) {
    const size_t arity = find_op(use.op)->max_inputs;
    const std::vector<Tensor> inputs(
        use.inputs.begin(),
        use.inputs.begin() + static_cast<std::ptrdiff_t>(std::min(arity, use.inputs.size())));
    EXPECT_TRUE(same_bits(run_cpu(use.op, inputs, use.attributes),
                          run_reference(use.op, inputs, use.attributes)))
        << use.op;
  }
}

// Zeros in every order, in the chains of the CPU's kernel and behind them.
TEST(ExactOperators, MaxOfZerosDoesNotDependOnTheirOrder) {
  for (int64_t size = 1; size < 20; ++size) {
    for (int64_t place = 0; place < size; ++place) {
      std::vector<float> zeros_of_both_signs(static_cast<size_t>(size), 0);
      zeros_of_both_signs[static_cast<size_t>(place)] = -0.0F;
      for (const BackEnd& back_end : kCpuAndReference) {
        const Tensor largest = back_end.run("max", {f32({size}, zeros_of_both_signs)}, {});
        EXPECT_FALSE(std::signbit(largest.as<float>()[0])) << back_end.name;
      }
    }
  }
}

// Operators that move elements keep every bit of them: of a NaN, too.
TEST(ExactOperators, MovesKeepTheBitsOfNans) {
  Tensor x = f32({1, 2}, {0, 0});
  const uint32_t bits[] = {0x7fa12345, 0xffc54321};  // one that signals, one that does not
  std::memcpy(x.data.data(), bits, sizeof(bits));
  for (const BackEnd& back_end : kCpuAndReference) {
    SCOPED_TRACE(back_end.name);
    EXPECT_EQ(back_end.run("copy", {x}, {}).data, x.data);
    EXPECT_EQ(back_end.run("reshape", {x}, with({{"shape", List{2}}})).data, x.data);
    EXPECT_EQ(back_end.run("transpose", {x}, {}).data, x.data);
    EXPECT_EQ(back_end.run("concat", {x}, {}).data, x.data);
    EXPECT_EQ(back_end.run("embedding", {x, i32({1}, {0})}, {}).data, x.data);
  }
}

}  // namespace
}  // namespace graphrt
