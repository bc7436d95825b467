#include "compiler/frontend/tensor_literal.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>

#include "compiler/graph/print_literal.h"

namespace graphc {
namespace {

std::vector<std::byte> bytes_of_bits(const std::vector<uint32_t>& bits) {
  std::vector<std::byte> bytes(bits.size() * sizeof(uint32_t));
  std::memcpy(bytes.data(), bits.data(), bytes.size());
  return bytes;
}

std::vector<std::byte> element(std::string_view text, ElementType type) {
  std::vector<std::byte> bytes;
  EXPECT_EQ(append_element(text, type, bytes), std::nullopt) << text;
  return bytes;
}

TEST(TensorLiteral, EveryPatternOfBitsReadsBackTheSame) {
  const TensorType scalar{ElementType::kF32, {}};
  std::vector<uint32_t> patterns = {0,          0x80000000, 1,          0x80000001,
                                    0x7f800000, 0xff800000, 0x7fc00000, 0x7fc00001,
                                    0xffc00000, 0x7f7fffff, 0x00800000, 0x3dcccccd};
  constexpr unsigned kSeed = 1;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  for (int i = 0; i < 20000; ++i) patterns.push_back(static_cast<uint32_t>(random()));
  for (const uint32_t bits : patterns) {
    const std::vector<std::byte> bytes = bytes_of_bits({bits});
    const std::string text = print_literal(scalar, bytes);
    ASSERT_EQ(element(text, ElementType::kF32), bytes) << text << " for " << bits;
    const TensorType integer{ElementType::kI32, {}};
    const std::string whole = print_literal(integer, bytes);
    ASSERT_EQ(element(whole, ElementType::kI32), bytes) << whole << " for " << bits;
  }
}

TEST(TensorLiteral, NestsByShapeAndSaysEqualNumbersOnce) {
  const TensorType matrix{ElementType::kI32, {2, 2}};
  EXPECT_EQ(print_literal(matrix, bytes_of_bits({1, 2, 3, 4})), "[[1, 2], [3, 4]]");
  EXPECT_EQ(print_literal(matrix, bytes_of_bits({7, 7, 7, 7})), "7");
  // 0 and -0 are equal numbers, but not the same bits.
  const TensorType pair{ElementType::kF32, {2}};
  EXPECT_EQ(print_literal(pair, bytes_of_bits({0, 0x80000000})), "[0, -0]");
  EXPECT_EQ(repeated(bytes_of_bits({7}), matrix), bytes_of_bits({7, 7, 7, 7}));
}

// One number can stand for a tensor of any size: what counts is the sum.
TEST(LiteralBudget, IsForAllLiteralsOfAGraphTogether) {
  const TensorType third{ElementType::kF32, {kMaxLiteralBytes / 4 / 3}};
  LiteralBudget budget;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(budget.take(third), std::nullopt);
  EXPECT_EQ(budget.take(third),
            "21.3 MiB is too large to be written in a graph after 64.0 MiB of other numbers");
  const TensorType whole{ElementType::kF32, {kMaxLiteralBytes / 4 + 1}};
  EXPECT_EQ(LiteralBudget().take(whole), "64.0 MiB is too large to be written in a graph");
}

TEST(TensorLiteral, RefusesWhatTheElementCannotHold) {
  std::vector<std::byte> bytes;
  for (const char* text : {"", "1.5", "2147483648", "0x10", "nan", "1 ", "+1"}) {
    EXPECT_TRUE(append_element(text, ElementType::kI32, bytes)) << text;
  }
  for (const char* text : {"", "1e39", "0x10", "nan(0x0)", "nan(0x7f800000)", "nan()", "1.5.2"}) {
    EXPECT_TRUE(append_element(text, ElementType::kF32, bytes)) << text;
  }
  EXPECT_TRUE(bytes.empty());
}

}  // namespace
}  // namespace graphc
