#include "runtime/op/attribute.h"

#include <gtest/gtest.h>

#include "op_test_support.h"

namespace graphrt {
namespace {

TEST(Attributes, KeepNamesInOrderAndReplaceValues) {
  Attributes attributes = with({{"b", int64_t{1}}, {"a", true}});
  attributes.set("b", int64_t{2});
  std::string names;
  for (const Attribute& attribute : attributes) names += attribute.name;
  EXPECT_EQ(names, "ab");
  EXPECT_EQ(attributes.integer("b", 0), 2);
  attributes.erase("b");
  EXPECT_EQ(attributes, with({{"a", true}}));
}

TEST(Attributes, GiveTheDefaultForWhatIsAbsent) {
  const Attributes attributes = with({{"n", int64_t{3}}, {"x", 0.5}, {"l", List{1, 2}}});
  EXPECT_EQ(attributes.integer("missing", 7), 7);
  EXPECT_TRUE(attributes.flag("missing", true));
  EXPECT_EQ(attributes.number("n", 0), 3);  // an integer is a number
  EXPECT_EQ(attributes.number("x", 0), 0.5);
  EXPECT_EQ(attributes.list("l"), (List{1, 2}));
  EXPECT_TRUE(attributes.list("missing").empty());
  EXPECT_EQ(attributes.find("missing"), nullptr);
}

TEST(Attributes, PrintTheirValues) {
  EXPECT_EQ(to_string(AttributeValue(true)), "true");
  EXPECT_EQ(to_string(AttributeValue(int64_t{-1})), "-1");
  EXPECT_EQ(to_string(AttributeValue(0.5)), "0.5");
  EXPECT_EQ(to_string(AttributeValue(2.0)), "2.0");  // a number stays one when it is read back
  EXPECT_EQ(to_string(AttributeValue(List{0, 1})), "[0, 1]");
  EXPECT_EQ(to_string(AttributeValue(std::string("a\"b"))), "\"a\\\"b\"");
}

}  // namespace
}  // namespace graphrt
