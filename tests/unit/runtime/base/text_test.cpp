#include "runtime/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graphrt {
namespace {

using testing::ElementsAre;

TEST(Text, TrimsSplitsAndJoins) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, KnowsIdentifiers) {
  for (const char* name : {"w1", "_x", "layer.0_w"}) EXPECT_TRUE(is_identifier(name)) << name;
  for (const char* name : {"", "1w", "a b", "a-b", ".a", "\xc3\xa4"}) {
    EXPECT_FALSE(is_identifier(name)) << name;
  }
}

TEST(Text, FindsTheLikelyMisspelling) {
  const std::vector<std::string> ops = {"matmul", "relu", "relu_grad", "softmax"};
  EXPECT_EQ(nearest_name("matmull", ops), "matmul");
  EXPECT_EQ(nearest_name("rleu", ops), "relu");
  EXPECT_EQ(nearest_name("convolution", ops), std::nullopt);
  EXPECT_EQ(nearest_name("x", {}), std::nullopt);
}

TEST(Text, FormatsDurationsBytesAndNumbers) {
  EXPECT_EQ(format_duration(850), "850 ns");
  EXPECT_EQ(format_duration(12'340), "12.3 us");
  EXPECT_EQ(format_duration(4'560'000), "4.56 ms");
  EXPECT_EQ(format_duration(2'000'000'000), "2.00 s");
  EXPECT_EQ(format_bytes(640), "640 B");
  EXPECT_EQ(format_bytes(1536), "1.50 KiB");
  EXPECT_EQ(format_bytes(int64_t{5} << 41), "10.0 TiB");
  EXPECT_EQ(format_number(0.1), "0.1");
  EXPECT_EQ(format_number(5), "5");
  EXPECT_EQ(std::stod(format_number(1.0 / 3)), 1.0 / 3);
}

}  // namespace
}  // namespace graphrt
