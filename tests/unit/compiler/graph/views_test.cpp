#include "compiler/graph/views.h"

#include <gtest/gtest.h>

#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

class ViewsOfGraph : public testing::Test {
 protected:
  /// `x[2:4]`.
  std::string origin_of(const std::string& name, RowRange rows) const {
    const ValueId value = value_named(name);
    const ValuePart origin = views_.origin_of(part_of_rows(value, graph_.type_of(value), rows));
    const TensorType& type = graph_.type_of(origin.value);
    const auto found = rows_of_part(type, origin.first, origin.count);
    const std::string text =
        found ? to_string(*found)
              : "elements " + std::to_string(origin.first) + ", " + std::to_string(origin.count);
    return graph_.values[origin.value].name + "[" + text + "]";
  }
  ValueId value_named(const std::string& name) const {
    for (const ValueId id : graph_.values.ids()) {
      if (graph_.values[id].name == name) return id;
    }
    CHECK(false, "no value " + name);
  }
  NodeId node_named(const std::string& name) const {
    return *graph_.values[value_named(name)].producer;
  }

  const Graph graph_ = graph_of(
      "graph g\n"
      "input %x : f32[8, 2]\n"
      "input %y : f32[3, 2]\n"
      "%low = slice(%x) {begin = 1, end = 5}\n"
      "%part = slice(%low) {axis = -2, begin = 1, end = 3}\n"
      "%h = relu(%y)\n"
      "%both = concat(%part, %h, %part)\n"
      "%more = concat(%h, %both)\n"
      "%columns = slice(%x) {axis = 1, begin = 0, end = 1}\n"
      "%wide = concat(%x, %x) {axis = 1}\n"
      "%kept = slice(%x) {begin = 0, end = 4} keep\n"
      "%all = slice(%x) {begin = 0, end = 8}\n"
      "%flat = reshape(%low) {shape = [8]}\n"
      "%front = slice(%flat) {begin = 2, end = 6}\n"
      "%odd = slice(%flat) {begin = 1, end = 3}\n"
      "%one = reshape(%x) {shape = [1, 8, 2]}\n"
      "%inner = slice(%one) {axis = 1, begin = 3, end = 5}\n"
      "%beside = concat(%one, %inner) {axis = 1}\n"
      "output %front\noutput %odd\noutput %beside\noutput %more\noutput %columns\noutput "
      "%wide\noutput %kept\noutput %all\n");
  const Views views_{graph_};
};

TEST_F(ViewsOfGraph, SlicesAreRowsOfTheirOperands) {
  EXPECT_EQ(origin_of("low", {0, 4}), "x[1:5]");
  EXPECT_EQ(origin_of("part", {0, 2}), "x[2:4]");
  EXPECT_EQ(origin_of("part", {1, 2}), "x[3:4]");
  EXPECT_EQ(origin_of("kept", {0, 4}), "x[0:4]");
  EXPECT_EQ(origin_of("all", {0, 8}), "x[0:8]");
}

TEST_F(ViewsOfGraph, RowsOfAConcatAreOfOneOperandOrItsOwn) {
  EXPECT_EQ(origin_of("both", {0, 2}), "x[2:4]");
  EXPECT_EQ(origin_of("both", {2, 5}), "h[0:3]");
  EXPECT_EQ(origin_of("both", {6, 7}), "x[3:4]");
  EXPECT_EQ(origin_of("both", {1, 3}), "both[1:3]");
  EXPECT_EQ(origin_of("both", {0, 7}), "both[0:7]");
  EXPECT_EQ(origin_of("more", {3, 10}), "both[0:7]");
  EXPECT_EQ(origin_of("more", {5, 8}), "h[0:3]");
}

TEST_F(ViewsOfGraph, OtherAxesAreNoRows) {
  EXPECT_EQ(origin_of("columns", {0, 8}), "columns[0:8]");
  EXPECT_EQ(origin_of("wide", {0, 8}), "wide[0:8]");
  EXPECT_FALSE(may_be_view(graph_, node_named("columns")));
  EXPECT_FALSE(may_be_view(graph_, node_named("wide")));
}

TEST_F(ViewsOfGraph, AReshapeIsTheSameElements) {
  EXPECT_EQ(origin_of("flat", {0, 8}), "x[1:5]");
  EXPECT_EQ(origin_of("front", {0, 4}), "x[2:4]");
  EXPECT_EQ(origin_of("odd", {0, 2}), "x[elements 3, 2]");
}

TEST_F(ViewsOfGraph, AxesOfOneIndexInFrontDoNotMatter) {
  EXPECT_EQ(origin_of("inner", {0, 1}), "x[3:5]");
  EXPECT_EQ(origin_of("beside", {0, 1}), "beside[0:1]");
  EXPECT_TRUE(may_be_view(graph_, node_named("beside")));
  EXPECT_EQ(sliced_rows(graph_, node_named("inner")), std::nullopt);
}

TEST_F(ViewsOfGraph, WhatIsKeptIsComputed) {
  EXPECT_TRUE(may_be_view(graph_, node_named("low")));
  EXPECT_TRUE(may_be_view(graph_, node_named("both")));
  EXPECT_TRUE(may_be_view(graph_, node_named("all")));
  EXPECT_FALSE(may_be_view(graph_, node_named("kept")));
}

TEST_F(ViewsOfGraph, OnlySomeRowsAreSliced) {
  EXPECT_EQ(sliced_rows(graph_, node_named("low")), (RowRange{1, 5}));
  EXPECT_EQ(sliced_rows(graph_, node_named("all")), std::nullopt);
  EXPECT_EQ(sliced_rows(graph_, node_named("both")), std::nullopt);
}

}  // namespace
}  // namespace graphc
