#include "runtime/kernels/reference/initial_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/base/random.h"

namespace graphrt {
namespace {

using testing::Each;
using testing::HasSubstr;

const TensorType kMatrix{ElementType::kF32, {200, 50}};

Tensor make(const Initializer& initializer, const TensorType& type = kMatrix) {
  auto tensor = make_initial(initializer, type);
  EXPECT_TRUE(tensor) << tensor.error().message;
  return *std::move(tensor);
}

Initializer random_of(InitializerKind kind) {
  return {.kind = kind, .low = -1, .high = 3, .seed = 7, .stream = "w", .data = {}};
}

double deviation_of(const Tensor& tensor) {
  double squares = 0;
  for (const float x : tensor.as<float>()) squares += static_cast<double>(x) * x;
  return std::sqrt(squares / static_cast<double>(tensor.type.num_elements()));
}

TEST(InitialValue, ZerosConstantsAndData) {
  EXPECT_EQ(make({}, {ElementType::kI32, {2}}), tensor_of<int32_t>({2}, {0, 0}));
  Initializer constant{.kind = InitializerKind::kConstant, .low = 1.5, .stream = {}, .data = {}};
  EXPECT_EQ(make(constant, {ElementType::kF32, {2}}), tensor_of<float>({2}, {1.5F, 1.5F}));
  constant.low = -3;
  EXPECT_EQ(make(constant, {ElementType::kI32, {1}}), tensor_of<int32_t>({1}, {-3}));
  const Tensor given = tensor_of<float>({2}, {1, 2});
  EXPECT_EQ(make({.kind = InitializerKind::kData, .stream = {}, .data = given.data}, given.type),
            given);
}

// 10 000 numbers: the deviation is known to 0.7 % (one deviation of it); five are allowed.
TEST(InitialValue, HeNormalHasTheDeviationOfItsFirstDimension) {
  const Tensor w = make(random_of(InitializerKind::kHeNormal));
  EXPECT_NEAR(deviation_of(w), 0.1, 0.0035);  // sqrt(2 / 200)
  EXPECT_FLOAT_EQ(w.as<float>()[123], static_cast<float>(0.1 * RandomStream(7, "w").normal(123)));
}

TEST(InitialValue, XavierIsUniformBetweenItsBounds) {
  const Tensor w = make(random_of(InitializerKind::kXavier));
  const double bound = std::sqrt(6.0 / 250);
  const auto [low, high] = std::minmax_element(w.as<float>().begin(), w.as<float>().end());
  EXPECT_GE(*low, -bound);
  EXPECT_LE(*high, bound);
  EXPECT_NEAR(*low, -bound, 0.002);
  EXPECT_NEAR(*high, bound, 0.002);
}

TEST(InitialValue, UniformStaysBelowItsUpperBound) {
  Initializer uniform = random_of(InitializerKind::kUniform);
  const Tensor w = make(uniform);
  EXPECT_THAT(w.as<float>(), Each(testing::AllOf(testing::Ge(-1.0F), testing::Lt(3.0F))));
  // So close together that most numbers between them round to the upper one.
  uniform.low = 1;
  uniform.high = 1 + 1e-7;
  EXPECT_THAT(make(uniform).as<float>(), Each(1.0F));
}

TEST(InitialValue, DependsOnSeedAndStreamAlone) {
  Initializer initializer = random_of(InitializerKind::kHeNormal);
  const Tensor w = make(initializer);
  EXPECT_EQ(make(initializer), w);
  initializer.seed = 8;
  EXPECT_NE(make(initializer), w);
  initializer.seed = 7;
  initializer.stream = "v";
  EXPECT_NE(make(initializer), w);
}

TEST(InitialValue, TakesScalars) {
  const TensorType scalar{ElementType::kF32, {}};
  EXPECT_EQ(make(random_of(InitializerKind::kHeNormal), scalar).type, scalar);
  EXPECT_EQ(make(random_of(InitializerKind::kXavier), scalar).type, scalar);
}

TEST(InitialValue, SaysWhatDoesNotFit) {
  const auto message = [](const Initializer& initializer, const TensorType& type) {
    return make_initial(initializer, type).error().message;
  };
  const TensorType integers{ElementType::kI32, {2}};
  EXPECT_EQ(message(random_of(InitializerKind::kXavier), integers),
            "random initial values are floats; got i32[2]");
  Initializer constant{.kind = InitializerKind::kConstant, .low = 0.5, .stream = {}, .data = {}};
  EXPECT_EQ(message(constant, integers),
            "the initial value of i32[2] must be an integer of 32 bits; got 0.5");
  constant.low = 2147483648.0;
  EXPECT_THAT(message(constant, integers), HasSubstr("got 2147483648"));
  constant.low = 1e39;
  EXPECT_THAT(message(constant, kMatrix), HasSubstr("1e+39 is too large for f32"));
  constant.low = 1e-50;
  EXPECT_THAT(message(constant, kMatrix), HasSubstr("1e-50 is too close to 0 for f32"));
  Initializer uniform = random_of(InitializerKind::kUniform);
  uniform.high = -1;
  EXPECT_EQ(message(uniform, kMatrix),
            "uniform initial values need low < high, both of f32; got low -1 and high -1");
  uniform.high = -1 + 1e-12;
  EXPECT_THAT(message(uniform, kMatrix), HasSubstr("low < high"));
  const Initializer data{
      .kind = InitializerKind::kData, .stream = {}, .data = std::vector<std::byte>(1)};
  EXPECT_EQ(message(data, integers), "the initial value has 1 bytes; i32[2] takes 8");
  EXPECT_THAT(message({}, {ElementType::kF32, {0}}), HasSubstr("f32[0] is not a type"));
}

}  // namespace
}  // namespace graphrt
