#include "compiler/emit/folded_names.h"

#include <gtest/gtest.h>

namespace graphc {
namespace {

std::vector<std::string> blocks(int num_blocks, const std::vector<std::string>& parts) {
  std::vector<std::string> names;
  for (int i = 0; i < num_blocks; ++i) {
    for (const std::string& part : parts) names.push_back("b" + std::to_string(i) + "." + part);
  }
  return names;
}

TEST(BlockOf, TheFirstPartWithANumberThatIsNotTheLast) {
  EXPECT_EQ(block_of("b3.n1"), "b3");
  EXPECT_EQ(block_of("grad.b12.n1"), "b12");
  EXPECT_EQ(block_of("w1"), "");
  EXPECT_EQ(block_of("grad.w1"), "");
  EXPECT_EQ(block_of(""), "");
}

TEST(FoldedNames, FewAreGivenAsTheyAre) {
  EXPECT_EQ(folded_names({}), "");
  EXPECT_EQ(folded_names({"z", "h", "w.new"}), "z, h, w.new");
  EXPECT_EQ(folded_names(blocks(4, {"a", "b", "c"})),
            "b0.a, b0.b, b0.c, b1.a, b1.b, b1.c, b2.a, b2.b, b2.c, b3.a, b3.b, b3.c");
}

TEST(FoldedNames, BlocksThatDifferInTheirNumberAreCounted) {
  std::vector<std::string> names = {"e"};
  for (const std::string& name : blocks(12, {"n1", "q", "k", "out"})) names.push_back(name);
  names.push_back("loss");
  EXPECT_EQ(folded_names(names), "e, b0.n1 ... b0.out (12 blocks alike), loss");
}

TEST(FoldedNames, ABlockThatDiffersStandsByItself) {
  std::vector<std::string> names = blocks(5, {"n1", "q", "out"});
  names[4] = "b1.k";
  EXPECT_EQ(folded_names(names),
            "b0.n1 ... b0.out, b1.n1 ... b1.out, b2.n1 ... b2.out (3 blocks alike)");
}

TEST(FoldedNames, TheMiddleOfALongListIsCounted) {
  std::vector<std::string> names;
  for (int i = 0; i < 4000; ++i) names.push_back("n" + std::to_string(i));
  EXPECT_EQ(folded_names(names), "n0, n1, n2, n3, ... (3992 more), n3996, n3997, n3998, n3999");
}

}  // namespace
}  // namespace graphc
