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

// What a generator of graphs may do: names without number or without end.
TEST(Text, LooksForMisspellingsWithinABudget) {
  std::vector<std::string> names(1000, "node_99999");
  names.emplace_back("node_1");
  EXPECT_EQ(nearest_name("node_2", names), "node_1");
  NameSearchBudget budget{.num_comparisons = 20'000};
  EXPECT_EQ(nearest_name("node_2", names, budget), std::nullopt);
  EXPECT_EQ(budget.num_comparisons, 0U);
  EXPECT_EQ(nearest_name("node_2", std::vector<std::string>{"node_1"}, budget), std::nullopt);
  NameSearchBudget enough{.num_comparisons = 2'000'000};
  const std::string long_name(1'000'000, 'a');
  EXPECT_EQ(nearest_name(long_name, std::vector<std::string>{long_name}, enough), std::nullopt);
  EXPECT_EQ(nearest_name("a", std::vector<std::string>{long_name}, enough), std::nullopt);
  EXPECT_EQ(enough.num_comparisons, 999'999U);
}

TEST(Text, KnowsPlainText) {
  for (const char* text : {"", "a b", "\xc3\xa4", "\xe6\x97\xa5", "\xf0\x9f\x99\x82", "\\x"}) {
    EXPECT_TRUE(is_plain_text(text)) << text;
  }
  const std::vector<std::string> refused = {"a\nb",
                                            "\t",
                                            "\x1b[31m",
                                            "\x7f",
                                            std::string(1, '\0'),
                                            "\xc2\x9b",
                                            "\xd8\x9c",
                                            "\xe2\x80\x8e",
                                            "\xe2\x80\xae",
                                            "\xe2\x81\xa6",
                                            "\xe2\x80\xa8",
                                            "\xef\xbb\xbf",
                                            "\xef\xbf\xbf",
                                            "\xe4",
                                            "\xc3",
                                            "\xc0\xaf",
                                            "\xed\xa0\x80",
                                            "\x9b",
                                            "\xf4\x90\x80\x80"};
  for (const std::string& text : refused) {
    EXPECT_FALSE(is_plain_text(text)) << text;
    EXPECT_FALSE(is_plain_text("a" + text + "b")) << text;
    EXPECT_TRUE(is_plain_text(printable_line(text))) << text;
  }
}

TEST(Text, PrintsNothingThatDrivesATerminal) {
  EXPECT_EQ(printable("a\tb\n\x1b[1m\r"), "a\tb\n [1m ");
  EXPECT_EQ(printable_line("a\tb\n"), "a b ");
  EXPECT_EQ(printable("\x9b \xc2\x9b \xc3\xa4"), "? \xef\xbf\xbd \xc3\xa4");
  EXPECT_EQ(find_invalid_utf8("\xc3\xa4\xe4z"), 2U);
  EXPECT_EQ(find_invalid_utf8("\xc3\xa4z"), std::nullopt);
}

TEST(Text, ShortensBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("0123456789abcdef", 11), "0123 ... ef");
  const std::string cut = shortened("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 10);
  EXPECT_EQ(find_invalid_utf8(cut), std::nullopt) << cut;
  EXPECT_LE(cut.size(), 10U);
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
