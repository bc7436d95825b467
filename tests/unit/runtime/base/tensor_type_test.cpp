#include "runtime/base/tensor_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "runtime/base/tensor.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

TEST(TensorType, ReadsBackWhatItPrints) {
  for (const char* text : {"f32[]", "i32[7]", "f32[100, 64]", "f32[2, 3, 4, 5]"}) {
    const auto type = parse_tensor_type(text);
    ASSERT_TRUE(type) << type.error().message;
    EXPECT_EQ(to_string(*type), text);
  }
  EXPECT_EQ(parse_tensor_type(" f32 [ 2,3 ]").value(), (TensorType{ElementType::kF32, {2, 3}}));
}

TEST(TensorType, SaysWhatIsWrong) {
  for (const char* text : {"", "f32", "f32[2", "f32[2]x"}) {
    EXPECT_THAT(parse_tensor_type(text).error().message, HasSubstr("shape in brackets")) << text;
  }
  EXPECT_THAT(parse_tensor_type("f64[2]").error().message,
              HasSubstr("f32, i32, bf16, f16, i64, i8, u8, bool"));
  for (const char* text : {"f32[0]", "f32[-1]", "f32[2, ]", "f32[2.5]", "f32[x]", "f32[2 3]",
                           "f32[99999999999999999999]"}) {
    EXPECT_THAT(parse_tensor_type(text).error().message, HasSubstr("positive integer")) << text;
  }
}

// 2^44 bytes are 2^42 elements.
TEST(TensorType, LimitsTheSizeWithoutOverflow) {
  EXPECT_TRUE(is_valid({ElementType::kF32, {int64_t{1} << 42}}));
  EXPECT_FALSE(is_valid({ElementType::kF32, {(int64_t{1} << 42) + 1}}));
  EXPECT_FALSE(is_valid({ElementType::kF32, {int64_t{1} << 32, int64_t{1} << 32}}));
  EXPECT_FALSE(is_valid({ElementType::kF32, {int64_t{1} << 62, int64_t{1} << 62, 4}}));
  EXPECT_FALSE(is_valid({ElementType::kF32, {2, 0}}));
  EXPECT_TRUE(is_valid({ElementType::kF32, {}}));
  EXPECT_THAT(parse_tensor_type("f32[4398046511105]").error().message, HasSubstr("16 TiB"));
}

TEST(TensorType, CountsElementsAndBytes) {
  EXPECT_EQ((TensorType{ElementType::kF32, {3, 5}}).num_elements(), 15);
  EXPECT_EQ((TensorType{ElementType::kI32, {3, 5}}).size_bytes(), 60);
  EXPECT_EQ(TensorType{}.num_elements(), 1);
}

TEST(ElementType, IsKnownByNamesThatNoOtherHas) {
  std::set<std::string_view> names;
  for (const ElementType element : kElementTypes) {
    const ElementProperties& properties = properties_of(element);
    for (const std::string_view name : {properties.name, properties.npy, properties.safetensors}) {
      EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_GT(size_bytes(element), 0);
    const auto type = parse_tensor_type(std::string(to_string(element)) + "[3]");
    ASSERT_TRUE(type);
    EXPECT_EQ(type->element, element);
  }
  EXPECT_TRUE(is_float(ElementType::kF32));
  EXPECT_FALSE(is_float(ElementType::kI32));
}

TEST(Tensor, HoldsItsElements) {
  Tensor tensor = tensor_of<float>({2}, {1, 2});
  tensor.as<float>()[1] = 5;
  EXPECT_EQ(tensor, tensor_of<float>({2}, {1, 5}));
  EXPECT_EQ(zeros({ElementType::kI32, {2}}), tensor_of<int32_t>({2}, {0, 0}));
}

TEST(TensorDeathTest, DoesNotReadOneElementTypeAsAnother) {
  const Tensor tensor = tensor_of<float>({1}, {1});
  EXPECT_DEATH(tensor.as<int32_t>(), "internal error");
}

}  // namespace
}  // namespace graphrt
