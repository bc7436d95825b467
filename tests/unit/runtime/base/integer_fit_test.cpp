#include "runtime/base/integer_fit.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "runtime/base/element.h"

namespace graphrt {
namespace {

TEST(IntegerFit, IsForIntegersAndBools) {
  for (const ElementType type : kElementTypes) {
    for (const ElementType from : kElementTypes) {
      const bool are_integers = !is_float(type) && !is_float(from);
      EXPECT_EQ(may_hold_values_of(type, from), are_integers)
          << to_string(type) << " " << to_string(from);
    }
  }
}

TEST(IntegerFit, KeepsValues) {
  const Tensor wide = tensor_of<int64_t>({2, 2}, {-128, 127, 0, -1});
  const auto narrow = with_elements(wide, ElementType::kI8);
  ASSERT_TRUE(narrow);
  EXPECT_EQ(*narrow, tensor_of<int8_t>({2, 2}, {-128, 127, 0, -1}));
  EXPECT_EQ(with_elements(*narrow, ElementType::kI64).value(), wide);
  EXPECT_EQ(with_elements(tensor_of<uint8_t>({2}, {255, 0}), ElementType::kI32).value(),
            tensor_of<int32_t>({2}, {255, 0}));
  const Tensor truth = with_elements(tensor_of<int32_t>({2}, {1, 0}), ElementType::kBool).value();
  EXPECT_TRUE(static_cast<bool>(truth.as<Bool>()[0]));
  EXPECT_EQ(with_elements(truth, ElementType::kI64).value(), tensor_of<int64_t>({2}, {1, 0}));
}

TEST(IntegerFit, NamesTheFirstValueThatDoesNotFit) {
  struct Case {
    int64_t value;
    ElementType element;
  };
  constexpr int64_t kEndOfI32 = int64_t{1} << 31;
  for (const Case& each : {Case{kEndOfI32, ElementType::kI32},
                           {-kEndOfI32 - 1, ElementType::kI32},
                           {int64_t{1} << 32, ElementType::kI32},
                           {std::numeric_limits<int64_t>::min(), ElementType::kI32},
                           {128, ElementType::kI8},
                           {-1, ElementType::kU8},
                           {2, ElementType::kBool},
                           {256, ElementType::kBool}}) {
    const auto fitted =
        with_elements(tensor_of<int64_t>({4}, {0, 1, each.value, each.value}), each.element);
    ASSERT_FALSE(fitted) << each.value;
    EXPECT_EQ(fitted.error().index, 2);
    EXPECT_EQ(fitted.error().value, each.value);
  }
  EXPECT_TRUE(with_elements(tensor_of<int64_t>({1}, {kEndOfI32 - 1}), ElementType::kI32));
}

}  // namespace
}  // namespace graphrt
