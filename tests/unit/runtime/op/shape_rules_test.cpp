#include <gtest/gtest.h>

#include <limits>
#include <string_view>

#include "op_test_support.h"

namespace graphrt {
namespace {

TEST(ShapeRules, ReductionsDropOrKeepTheirAxes) {
  for (const char* op : {"sum", "mean", "max"}) {
    EXPECT_EQ(infer(op, {"f32[2, 3, 4]"}), "f32[]") << op;
    EXPECT_EQ(infer(op, {"f32[2, 3, 4]"}, with({{"axes", List{0}}})), "f32[3, 4]");
    EXPECT_EQ(infer(op, {"f32[2, 3, 4]"}, with({{"axes", List{-1, 0}}})), "f32[3]");
    EXPECT_EQ(infer(op, {"f32[2, 3, 4]"}, with({{"axes", List{1}}, {"keepdims", true}})),
              "f32[2, 1, 4]");
    EXPECT_EQ(infer(op, {"f32[2, 3]"}, with({{"keepdims", true}})), "f32[1, 1]");
    EXPECT_EQ(infer(op, {"f32[]"}), "f32[]");
  }
  EXPECT_EQ(infer("sum", {"i32[2, 3]"}, with({{"axes", List{0}}})), "i32[3]");
  EXPECT_EQ(infer("mean", {"i32[2]"}), "mean works on floats only; got i32[2]; cast it to f32");
}

TEST(ShapeRules, ReductionsRefuseBadAxes) {
  EXPECT_EQ(infer("sum", {"f32[2, 3]"}, with({{"axes", List{2}}})),
            "sum has no axis 2 in f32[2, 3]; its axes are 0 to 1, or -2 to -1 counted from the "
            "end");
  EXPECT_EQ(infer("sum", {"f32[2, 3]"}, with({{"axes", List{0, -2}}})),
            "sum got axis -2 of f32[2, 3] twice in axes [0, -2]");
  EXPECT_EQ(infer("sum", {"f32[2, 3]"}, with({{"axes", List{}}})),
            "sum got an empty list of axes; leave 'axes' out to reduce over all of them");
}

TEST(ShapeRules, ArgmaxGivesIndices) {
  EXPECT_EQ(infer("argmax", {"f32[5, 10]"}), "i32[5]");
  EXPECT_EQ(infer("argmax", {"i32[5, 10]"}, with({{"axis", int64_t{0}}})), "i32[10]");
  EXPECT_EQ(infer("argmax", {"f32[2147483648]"}),
            "argmax cannot index an axis longer than 2147483647 with i32; got f32[2147483648]");
}

TEST(ShapeRules, TransposePermutesTheAxes) {
  EXPECT_EQ(infer("transpose", {"f32[2, 3]"}), "f32[3, 2]");
  EXPECT_EQ(infer("transpose", {"f32[5, 2, 3]"}), "f32[5, 3, 2]");
  EXPECT_EQ(infer("transpose", {"i32[5, 2, 3]"}, with({{"axes", List{-1, 0, 1}}})), "i32[3, 5, 2]");
  EXPECT_EQ(infer("transpose", {"f32[7]"}, with({{"axes", List{0}}})), "f32[7]");
}

TEST(ShapeRules, TransposeWantsAPermutation) {
  EXPECT_EQ(infer("transpose", {"f32[7]"}),
            "transpose needs at least 2 dimensions to swap the last two; got f32[7]");
  for (const List& axes : {List{0}, List{0, 0}, List{0, 2}, List{0, -2}, List{0, 1, 1}, List{}}) {
    EXPECT_EQ(
        infer("transpose", {"f32[2, 3]"}, with({{"axes", axes}})),
        "transpose needs axes that name every axis of f32[2, 3] once; got " + to_string(axes));
  }
}

TEST(ShapeRules, SliceTakesAPieceOfOneAxis) {
  const auto slice = [](int64_t axis, int64_t begin, int64_t end) {
    return infer("slice", {"f32[10, 4]"}, with({{"axis", axis}, {"begin", begin}, {"end", end}}));
  };
  EXPECT_EQ(slice(0, 2, 5), "f32[3, 4]");
  EXPECT_EQ(slice(-1, 3, 4), "f32[10, 1]");
  EXPECT_EQ(slice(0, 0, 10), "f32[10, 4]");
  EXPECT_EQ(slice(0, 4, 20),
            "slice needs 0 <= begin < end <= 10, the size of axis 0 of f32[10, 4]; got begin 4 and "
            "end 20");
  EXPECT_EQ(slice(1, 2, 2),
            "slice needs 0 <= begin < end <= 4, the size of axis 1 of f32[10, 4]; got begin 2 and "
            "end 2");
  EXPECT_EQ(slice(1, -1, 2),
            "slice needs 0 <= begin < end <= 4, the size of axis 1 of f32[10, 4]; got begin -1 and "
            "end 2");
  EXPECT_EQ(infer("slice", {"f32[10]"}, with({{"begin", int64_t{1}}, {"end", int64_t{3}}})),
            "f32[2]");
}

TEST(ShapeRules, ConcatAddsUpOneAxis) {
  EXPECT_EQ(infer("concat", {"f32[2, 3]"}), "f32[2, 3]");
  EXPECT_EQ(infer("concat", {"f32[2, 3]", "f32[5, 3]", "f32[1, 3]"}), "f32[8, 3]");
  EXPECT_EQ(infer("concat", {"i32[2, 3]", "i32[2, 4]"}, with({{"axis", int64_t{-1}}})),
            "i32[2, 7]");
  EXPECT_EQ(infer("concat", {"f32[2, 3]", "f32[2, 3]", "f32[2, 4]"}),
            "concat needs operands that differ in the size of axis 0 only; got f32[2, 3] and "
            "f32[2, 4]");
  EXPECT_EQ(blamed("concat", {"f32[2, 3]", "f32[2, 3]", "f32[2, 4]"}), 2U);
  EXPECT_EQ(blamed("concat", {"f32[2, 3]", "i32[2, 3]"}), 1U);
  EXPECT_EQ(infer("concat", {"f32[]", "f32[]"}),
            "concat has no axis 0 in f32[]; a scalar has no axes");
}

TEST(ShapeRules, ReshapeKeepsTheNumberOfElements) {
  const auto reshape = [](const List& shape) {
    return infer("reshape", {"f32[4, 6]"}, with({{"shape", shape}}));
  };
  EXPECT_EQ(reshape({24}), "f32[24]");
  EXPECT_EQ(reshape({2, -1, 3}), "f32[2, 4, 3]");
  EXPECT_EQ(infer("reshape", {"f32[1]"}, with({{"shape", List{}}})), "f32[]");
  EXPECT_EQ(reshape({5, -1}),
            "reshape cannot give f32[4, 6] the shape [5, -1]: the number of elements must stay 24");
  EXPECT_EQ(reshape({23}),
            "reshape cannot give f32[4, 6] the shape [23]: the number of elements must stay 24");
  EXPECT_EQ(reshape({-1, -1}),
            "reshape needs a shape of positive sizes with at most one -1; got [-1, -1]");
  EXPECT_EQ(reshape({0, 24}),
            "reshape needs a shape of positive sizes with at most one -1; got [0, 24]");
  // 2^62 * 2^62 * 2^62 is 0 in 64 bits.
  constexpr int64_t kHuge = int64_t{1} << 62;
  EXPECT_EQ(reshape({kHuge, kHuge, kHuge}),
            "reshape cannot give f32[4, 6] the shape [4611686018427387904, 4611686018427387904, "
            "4611686018427387904]: the number of elements must stay 24");
}

TEST(ShapeRules, BroadcastStretchesToAShape) {
  const auto broadcast = [](std::string_view x, const List& shape) {
    return infer("broadcast", {x}, with({{"shape", shape}}));
  };
  EXPECT_EQ(broadcast("f32[]", {2, 3}), "f32[2, 3]");
  EXPECT_EQ(broadcast("i32[3]", {2, 3}), "i32[2, 3]");
  EXPECT_EQ(broadcast("f32[4, 1, 3]", {4, 5, 3}), "f32[4, 5, 3]");
  EXPECT_EQ(broadcast("f32[2, 3]", {2, 3}), "f32[2, 3]");
  EXPECT_EQ(broadcast("f32[]", {}), "f32[]");
}

TEST(ShapeRules, BroadcastOnlyStretches) {
  const auto broadcast = [](std::string_view x, const List& shape) {
    return infer("broadcast", {x}, with({{"shape", shape}}));
  };
  EXPECT_EQ(broadcast("f32[2, 3]", {3, 2}),
            "broadcast cannot stretch f32[2, 3] to the shape [3, 2]: from the last dimension on, "
            "its sizes must be equal or 1");
  EXPECT_EQ(broadcast("f32[2, 3]", {3}),
            "broadcast cannot stretch f32[2, 3] to the shape [3]: from the last dimension on, its "
            "sizes must be equal or 1");
  EXPECT_EQ(broadcast("f32[2, 3]", {2, 1}),
            "broadcast cannot stretch f32[2, 3] to the shape [2, 1]: from the last dimension on, "
            "its sizes must be equal or 1");
  EXPECT_EQ(broadcast("f32[3]", {-1, 3}), "broadcast needs a shape of positive sizes; got [-1, 3]");
  EXPECT_EQ(broadcast("f32[]", {int64_t{1} << 62, 4}),
            "broadcast would give f32[4611686018427387904, 4], which is larger than 16 TiB");
}

TEST(ShapeRules, PadAddsToOneAxis) {
  const auto pad = [](int64_t axis, int64_t before, int64_t after) {
    return infer("pad", {"i32[10, 4]"},
                 with({{"axis", axis}, {"before", before}, {"after", after}}));
  };
  EXPECT_EQ(pad(0, 2, 5), "i32[17, 4]");
  EXPECT_EQ(pad(-1, 0, 1), "i32[10, 5]");
  EXPECT_EQ(pad(0, 0, 0), "i32[10, 4]");
  EXPECT_EQ(pad(2, 0, 0),
            "pad has no axis 2 in i32[10, 4]; its axes are 0 to 1, or -2 to -1 counted from the "
            "end");
  EXPECT_EQ(pad(0, -1, 3), "pad needs before and after from 0 to 17592186044416; got -1 and 3");
  EXPECT_EQ(pad(0, 0, std::numeric_limits<int64_t>::max()),
            "pad needs before and after from 0 to 17592186044416; got 0 and 9223372036854775807");
  EXPECT_EQ(pad(0, 0, int64_t{1} << 44),
            "pad would give i32[17592186044426, 4], which is larger than 16 TiB");
  EXPECT_EQ(infer("pad", {"f32[3]"}, with({{"before", int64_t{1}}, {"after", int64_t{2}}})),
            "f32[6]");
}

}  // namespace
}  // namespace graphrt
