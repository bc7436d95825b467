#include "compiler/placement/resolve_views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/placement/placed_names.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What `insert_copies` leaves of the nodes in `text`. Rows of x and y are 256 bytes.
class ResolveViews : public testing::Test {
 protected:
  PlacedGraph placed(const std::string& text) const {
    PlacedGraph graph = placed_of(graph_of(std::string("graph g\n") +
                                           "input %x : f32[8, 64]\ninput %y : f32[8, 64]\n"
                                           "state %w : f32[16, 64] init zeros\n" +
                                           text),
                                  machine_);
    EXPECT_EQ(verify_placed_graph(graph, machine_), std::nullopt);
    return graph;
  }
  std::string text_of(const std::string& text) const {
    return print_placed_graph(placed(text), machine_);
  }

  Machine machine_ = star_machine();
};

TEST_F(ResolveViews, ASliceIsReadWhereItLies) {
  const std::string text = text_of(
      "%s = slice(%x) {begin = 2, end = 6}\n"
      "%t = slice(%s) {begin = 1, end = 3}\n"
      "%a = relu(%s)\n%b = relu(%t)\noutput %a\noutput %b\n");
  EXPECT_THAT(text, Not(HasSubstr("slice")));
  EXPECT_THAT(text, HasSubstr("cpu  a = relu(x@cpu[2:6]) : f32[4, 64] in a@cpu"));
  EXPECT_THAT(text, HasSubstr("cpu  b = relu(x@cpu[3:5]) : f32[2, 64] in b@cpu"));
}

TEST_F(ResolveViews, WhatAHostSendsIsCutOutThere) {
  const std::string text = text_of(
      "%s = slice(%x) {begin = 2, end = 6} device cpu\n%a = relu(%s) device cpu\n"
      "%b = relu(%s) device gpu0\noutput %a\noutput %b\n");
  EXPECT_THAT(text, HasSubstr("cpu  s = slice(x@cpu)"));
  EXPECT_THAT(text, HasSubstr("cpu->gpu0  s -> gpu0(s@cpu)"));
}

// An accelerator sends rows as they lie.
TEST_F(ResolveViews, WhatAnAcceleratorSendsIsRows) {
  const std::string text = text_of(
      "%a = relu(%x) device gpu0\n%s = slice(%a) {begin = 2, end = 6} device gpu0\n"
      "%b = exp(%a) device gpu0\n%c = relu(%s) device cpu\n%d = tanh(%s) device gpu0\n"
      "output %b on gpu0\noutput %c\noutput %d on gpu0\n");
  EXPECT_THAT(text, HasSubstr("gpu0->cpu  s -> cpu(a@gpu0[2:6]) : f32[4, 64] in s@cpu"));
}

TEST_F(ResolveViews, AllRowsAreTheValueItself) {
  EXPECT_THAT(text_of("%s = slice(%x) {begin = 0, end = 8}\n%a = relu(%s)\noutput %a\n"),
              AllOf(Not(HasSubstr("slice")), HasSubstr("a = relu(x@cpu) ")));
}

TEST_F(ResolveViews, RowsOfAStateAreThoseOfTheStepBefore) {
  const std::string text = text_of(
      "%s = slice(%w) {begin = 8, end = 16}\n"
      "%a = relu(%s)\n%n = scale(%w) {factor = 0.5} updates %w\noutput %a\n");
  EXPECT_THAT(text, HasSubstr("a = relu(w@cpu[8:16] from step -1)"));
}

TEST_F(ResolveViews, WhatIsHandedOutOrKeptOrReplacesAStateIsComputed) {
  EXPECT_THAT(text_of("%s = slice(%x) {begin = 2, end = 6}\noutput %s\n"), HasSubstr("slice"));
  EXPECT_THAT(text_of("%s = slice(%x) {begin = 2, end = 6} device gpu0\noutput %s on gpu0\n"),
              HasSubstr("s(x@cpu[2:6])"));
  EXPECT_THAT(text_of("%s = slice(%x) {begin = 2, end = 6} keep\n%a = relu(%s)\noutput %a\n"),
              HasSubstr("slice"));
  EXPECT_THAT(text_of("%c = concat(%x, %y, %x, %y)\n"
                      "%s = slice(%c) {begin = 4, end = 20} updates %w\noutput %w\n"),
              HasSubstr("slice"));
}

TEST_F(ResolveViews, TheOperandsOfAConcatAreMadeInItsBytes) {
  const std::string text = text_of(
      "%a = relu(%x)\n%b = tanh(%y)\n%c = concat(%a, %b)\n"
      "%d = add(%a, %b)\n%e = relu(%c)\noutput %d\noutput %e\n");
  EXPECT_THAT(text, Not(HasSubstr("concat")));
  EXPECT_THAT(text, HasSubstr("a = relu(x@cpu) : f32[8, 64] in c@cpu[0:8]"));
  EXPECT_THAT(text, HasSubstr("b = tanh(y@cpu) : f32[8, 64] in c@cpu[8:16]"));
  EXPECT_THAT(text, HasSubstr("d = add(c@cpu[0:8], c@cpu[8:16])"));
  EXPECT_THAT(text, HasSubstr("e = relu(c@cpu) "));
}

TEST_F(ResolveViews, AConcatOfConcatsIsOneValue) {
  const std::string text = text_of(
      "%a = relu(%x)\n%b = tanh(%y)\n%c = concat(%b, %a)\n%d = exp(%x)\n%e = concat(%d, %c)\n"
      "%f = relu(%c)\noutput %e\noutput %f\n");
  EXPECT_THAT(text, Not(HasSubstr("concat")));
  EXPECT_THAT(text, HasSubstr("a = relu(x@cpu) : f32[8, 64] in e@cpu[16:24]"));
  EXPECT_THAT(text, HasSubstr("f = relu(e@cpu[8:24])"));
}

TEST_F(ResolveViews, WhatTravelsArrivesInItsRows) {
  const std::string text = text_of(
      "%a = relu(%x) device gpu0\n%b = relu(%y) device gpu1\n%c = concat(%a, %b)\n"
      "%d = relu(%c)\noutput %d\n");
  EXPECT_THAT(text, Not(HasSubstr("concat")));
  EXPECT_THAT(text, HasSubstr("gpu0->cpu  a -> cpu(a@gpu0) : f32[8, 64] in c@cpu[0:8]"));
  EXPECT_THAT(text, HasSubstr("gpu1->cpu  b -> cpu(b@gpu1) : f32[8, 64] in c@cpu[8:16]"));
}

TEST_F(ResolveViews, APartOfAnUpdateReplacesItsRowsInPlace) {
  const std::string text = text_of(
      "%g = slice(%w) {begin = 0, end = 8}\n%h = slice(%w) {begin = 8, end = 16}\n"
      "%a = sgd_update(%g, %x) {learning_rate = 0.5}\n%b = sgd_update(%h, %y) {learning_rate = "
      "0.5}\n"
      "%n = concat(%a, %b) updates %w\noutput %w\n");
  EXPECT_THAT(text, Not(HasSubstr("concat")));
  EXPECT_THAT(text, HasSubstr("a = sgd_update(w@cpu[0:8] from step -1, x@cpu) : f32[8, 64] in "
                              "w@cpu[0:8]"));
  EXPECT_THAT(text, HasSubstr("b = sgd_update(w@cpu[8:16] from step -1, y@cpu) : f32[8, 64] in "
                              "w@cpu[8:16]"));
}

// It would read old values that the other part may have replaced.
TEST_F(ResolveViews, NotIfAnUpdateReadsOtherRowsOfTheState) {
  EXPECT_THAT(text_of("%g = slice(%w) {begin = 0, end = 8}\n%h = slice(%w) {begin = 8, end = 16}\n"
                      "%a = add(%h, %x)\n%b = add(%g, %y)\n"
                      "%n = concat(%a, %b) updates %w\noutput %w\n"),
              HasSubstr("concat"));
}

TEST_F(ResolveViews, AConcatStaysIfAPartCannotLieInIt) {
  // An input, a state, one of two results, twice the same, what is handed out, what lies elsewhere.
  EXPECT_THAT(text_of("%a = relu(%x)\n%c = concat(%a, %y)\n%d = relu(%c)\noutput %d\n"),
              HasSubstr("concat"));
  EXPECT_THAT(text_of("%a = relu(%x)\n%c = concat(%a, %w)\n%d = relu(%c)\noutput %d\n"),
              HasSubstr("concat"));
  EXPECT_THAT(text_of("%a = relu(%x)\n%c = concat(%a, %a)\n%d = relu(%c)\noutput %d\n"),
              HasSubstr("concat"));
  EXPECT_THAT(text_of("%a = relu(%x)\n%b = relu(%y)\n%c = concat(%a, %b)\n%d = relu(%c)\n"
                      "output %d\noutput %b\n"),
              HasSubstr("concat"));
  EXPECT_THAT(text_of("%a = relu(%x)\n%s = slice(%y) {begin = 0, end = 4}\n%c = concat(%a, %s)\n"
                      "%d = relu(%c)\noutput %d\n"),
              HasSubstr("concat(a@cpu, y@cpu[0:4])"));
}

TEST_F(ResolveViews, OneOfTwoConcatsHoldsAPart) {
  const std::string text = text_of(
      "%a = relu(%x)\n%b = relu(%y)\n%c = concat(%a, %b)\n%d = concat(%b, %a)\n"
      "output %c\noutput %d\n");
  EXPECT_THAT(text, HasSubstr("c = concat(d@cpu[8:16], d@cpu[0:8])"));
  EXPECT_THAT(text, HasSubstr("a = relu(x@cpu) : f32[8, 64] in d@cpu[8:16]"));
}

TEST_F(ResolveViews, RowsThatAnAcceleratorReadsAreAligned) {
  const std::string head = "%z = slice(%x) {axis = 1, begin = 0, end = 32} device gpu0\n";
  EXPECT_THAT(text_of(head + "%s = slice(%z) {begin = 2, end = 4} device gpu0\n"
                             "%a = relu(%s) device gpu0\noutput %a on gpu0\n"),
              HasSubstr("a = relu(z@gpu0[2:4])"));
  EXPECT_THAT(text_of(head + "%s = slice(%z) {begin = 1, end = 4} device gpu0\n"
                             "%a = relu(%s) device gpu0\noutput %a on gpu0\n"),
              HasSubstr("s = slice(z@gpu0)"));
}

TEST_F(ResolveViews, AReshapeIsReadInItsShape) {
  const std::string text = text_of(
      "%a = relu(%x) device gpu0\n%r = reshape(%a) {shape = [2, 256]} device gpu0\n"
      "%s = slice(%r) {begin = 1, end = 2} device gpu0\n%b = exp(%r) device gpu0\n"
      "%c = tanh(%s) device gpu0\n%d = exp(%a) device gpu0\n"
      "output %b on gpu0\noutput %c on gpu0\noutput %d on gpu0\n");
  EXPECT_THAT(text, Not(HasSubstr("reshape")));
  EXPECT_THAT(text, HasSubstr("b = exp(a@gpu0 as [2, 256]) : f32[2, 256] in b@gpu0"));
  EXPECT_THAT(text, HasSubstr("c = tanh(a@gpu0[4:8] as [1, 256]) : f32[1, 256] in c@gpu0"));
}

// A worker could then read half a row.
TEST_F(ResolveViews, NotIfRowsOfAReshapeOnACpuAreNoWholeRows) {
  EXPECT_THAT(text_of("%r = reshape(%x) {shape = [16, 32]}\n%a = relu(%r)\noutput %a\n"),
              HasSubstr("reshape"));
  EXPECT_THAT(text_of("%r = reshape(%x) {shape = [4, 128]}\n%a = relu(%r)\noutput %a\n"),
              HasSubstr("a = relu(x@cpu as [4, 128])"));
  EXPECT_THAT(text_of("%r = reshape(%x) {shape = [16, 32]}\noutput %r\n"), HasSubstr("reshape"));
}

TEST_F(ResolveViews, BlocksOfAReshapeAreWholeRows) {
  const PlacedGraph split =
      split_rows(placed("%r = reshape(%x) {shape = [4, 128]}\n%a = relu(%r)\noutput %a\n"),
                 machine_, {64, 64, 64, 8, 2});
  EXPECT_EQ(verify_placed_graph(split, machine_), std::nullopt);
  EXPECT_THAT(print_placed_graph(split, machine_),
              HasSubstr("a[2:4] = relu(x@cpu[4:8] as [2, 128]) : f32[2, 128] in a@cpu[2:4]"));
}

TEST_F(ResolveViews, BlocksOfRowsLieWithinThePart) {
  const PlacedGraph whole = placed(
      "%s = slice(%w) {begin = 4, end = 12}\n%a = add(%s, %x)\n%b = tanh(%y)\n"
      "%c = concat(%b, %a)\noutput %c\n");
  const PlacedGraph split = split_rows(whole, machine_, {64, 64, 64, 8, 2});
  EXPECT_EQ(verify_placed_graph(split, machine_), std::nullopt);
  const std::string text = print_placed_graph(split, machine_);
  EXPECT_THAT(text, HasSubstr("a[4:8] = add(w@cpu[8:12], x@cpu[4:8]) : f32[4, 64] in "
                              "c@cpu[12:16]"));
}

TEST_F(ResolveViews, TheVerifierWantsTheRowsOfTheView) {
  const std::string text =
      "%s = slice(%x) {begin = 2, end = 6}\n%a = relu(%s)\n%b = relu(%y)\n%c = concat(%a, %b)\n"
      "%d = relu(%c)\noutput %d\n";
  PlacedGraph graph = placed(text);
  graph.ops[op_named(graph, "a")].reads[0].rows = RowRange{1, 5};
  EXPECT_EQ(verify_placed_graph(graph, machine_), "'a' needs 's' and reads 'x@cpu'[1:5]");
  graph = placed(text);
  std::swap(graph.ops[op_named(graph, "a")].writes, graph.ops[op_named(graph, "b")].writes);
  graph.ops[op_named(graph, "a")].rows = RowRange{0, 8};
  EXPECT_THAT(*verify_placed_graph(graph, machine_), HasSubstr("from row 8 on"));
}

}  // namespace
}  // namespace graphc
