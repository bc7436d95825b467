#include "runtime/base/name_index.h"

#include <gtest/gtest.h>

#include <vector>

namespace graphrt {
namespace {

struct Named {
  std::string name;
};

TEST(NameIndex, FindsTheFirstOfEachName) {
  const NameIndex index(std::vector<Named>{{"a"}, {"b"}, {"a"}, {"c"}});
  EXPECT_EQ(index.find("a"), 0U);
  EXPECT_EQ(index.find("b"), 1U);
  EXPECT_EQ(index.find("c"), 3U);
  EXPECT_EQ(index.find(""), std::nullopt);
}

}  // namespace
}  // namespace graphrt
