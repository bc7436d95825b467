#include <gtest/gtest.h>

#include <string_view>

#include "op_test_support.h"

namespace graphrt {
namespace {

constexpr bool kYes = true;

TEST(TypeRules, MapsKeepTheTypeAndWantFloats) {
  for (const char* op : {"relu", "exp", "log", "sqrt", "tanh", "sigmoid", "gelu"}) {
    EXPECT_EQ(infer(op, {"f32[2, 3]"}), "f32[2, 3]") << op;
    EXPECT_EQ(infer(op, {"bf16[2, 3]"}), "bf16[2, 3]") << op;
    EXPECT_EQ(infer(op, {"f16[2, 3]"}), "f16[2, 3]") << op;
    EXPECT_EQ(infer(op, {"i32[2]"}),
              std::string(op) + " works on floats only; got i32[2]; cast it to f32");
  }
  EXPECT_EQ(infer("copy", {"i32[2]"}), "i32[2]");
  EXPECT_EQ(infer("copy", {"bool[2]"}), "bool[2]");
}

TEST(TypeRules, ArithmeticBroadcastsAsNumPyDoes) {
  for (const char* op : {"add", "sub", "mul", "div"}) {
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[2, 3]"}), "f32[2, 3]");
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[3]"}), "f32[2, 3]");
    EXPECT_EQ(infer(op, {"f32[]", "f32[2, 3]"}), "f32[2, 3]");
    EXPECT_EQ(infer(op, {"f32[2, 1]", "f32[1, 3]"}), "f32[2, 3]");
    EXPECT_EQ(infer(op, {"f32[4, 1, 3]", "f32[2, 1]"}), "f32[4, 2, 3]");
  }
  EXPECT_EQ(infer("add", {"i32[2]", "i32[2]"}), "i32[2]");
}

TEST(TypeRules, ArithmeticSaysWhatDoesNotFit) {
  EXPECT_EQ(infer("add", {"f32[2, 3]", "f32[2]"}),
            "add cannot broadcast f32[2, 3] and f32[2]: from the last dimension on, sizes must be "
            "equal or 1");
  EXPECT_EQ(infer("mul", {"f32[2]", "i32[2]"}),
            "mul needs two operands of the same element type; got f32[2] and i32[2]; cast one of "
            "them");
  EXPECT_EQ(infer("div", {"i32[2]", "i32[2]"}),
            "div works on floats only; got i32[2]; cast it to f32");
  EXPECT_EQ(
      infer("div", {"f32[2]", "bf16[2]"}),
      "div needs operands of the same element type; got f32[2] and bf16[2]; cast one of them");
  EXPECT_EQ(infer("add", {"bool[2]", "bool[2]"}),
            "add works on numbers; got bool[2]; cast it to i32");
  EXPECT_EQ(blamed("add", {"f32[2, 3]", "f32[2]"}), 1U);
  EXPECT_EQ(blamed("div", {"f32[2]", "i32[2]"}), 1U);
}

TEST(TypeRules, ComparisonsGiveBools) {
  for (const char* op : {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[3]"}), "bool[2, 3]") << op;
    EXPECT_EQ(infer(op, {"i64[2, 1]", "i64[3]"}), "bool[2, 3]") << op;
  }
  EXPECT_EQ(infer("equal", {"f32[2]", "i32[2]"}),
            "equal needs two operands of the same element type; got f32[2] and i32[2]; cast one of "
            "them");
  EXPECT_EQ(infer("equal", {"f32[2]", "f32[3]"}),
            "equal cannot broadcast f32[2] and f32[3]: from the last dimension on, sizes must be "
            "equal or 1");
}

TEST(TypeRules, LogicIsOfBools) {
  for (const std::string op : {"logical_and", "logical_or"}) {
    EXPECT_EQ(infer(op, {"bool[2, 1]", "bool[3]"}), "bool[2, 3]");
    EXPECT_EQ(infer(op, {"bool[2]", "f32[2]"}),
              op + " works on bool only; got f32[2]; cast it to bool");
    EXPECT_EQ(blamed(op, {"bool[2]", "f32[2]"}), 1U);
  }
  EXPECT_EQ(infer("logical_not", {"bool[2]"}), "bool[2]");
}

TEST(TypeRules, SelectBroadcastsAllThree) {
  EXPECT_EQ(infer("select", {"bool[2, 1]", "i8[3]", "i8[]"}), "i8[2, 3]");
  EXPECT_EQ(infer("select", {"f32[2]", "f32[2]", "f32[2]"}),
            "select chooses by a bool; got f32[2]; cast it to bool");
  EXPECT_EQ(infer("select", {"bool[2]", "f32[2]", "bf16[2]"}),
            "select needs two operands of the same element type; got f32[2] and bf16[2]; cast one "
            "of them");
  EXPECT_EQ(blamed("select", {"bool[2]", "f32[2]", "bf16[2]"}), 2U);
  EXPECT_EQ(infer("select", {"bool[3]", "f32[2]", "f32[2]"}),
            "select cannot broadcast bool[3] and f32[2]: from the last dimension on, sizes must be "
            "equal or 1");
}

TEST(TypeRules, CastGivesWhatItSays) {
  for (const ElementType element : kElementTypes) {
    const std::string name(to_string(element));
    EXPECT_EQ(infer("cast", {"f32[2, 3]"}, with({{"to", name}})), name + "[2, 3]");
  }
  EXPECT_EQ(infer("cast", {"f32[2]"}, with({{"to", "f64"}})),
            "cast knows no element type 'f64'; there are f32, i32, bf16, f16, i64, i8, u8, bool");
}

TEST(TypeRules, GradientsWantEqualShapes) {
  for (const std::string op : {"softmax_grad", "mse_grad", "binary_cross_entropy_grad"}) {
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[2, 3]"}), "f32[2, 3]") << op;
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[3]"}),
              op + " needs two operands of the same shape; got f32[2, 3] and f32[3]");
    EXPECT_EQ(infer(op, {"f32[2]", "bf16[2]"}),
              op + " needs operands of the same element type; got f32[2] and bf16[2]; cast one of "
                   "them");
  }
}

TEST(TypeRules, PairsWantEqualShapes) {
  EXPECT_EQ(infer("relu_grad", {"f32[2, 3]", "f32[2, 3]"}), "f32[2, 3]");
  EXPECT_EQ(infer("relu_grad", {"f32[2, 3]", "f32[3]"}),
            "relu_grad needs two operands of the same shape; got f32[2, 3] and f32[3]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[]"}, with({{"learning_rate", 0.5}})),
            "sgd_update needs two operands of the same shape; got f32[2] and f32[]");
}

TEST(TypeRules, MatmulMultipliesTheLastTwoDimensions) {
  EXPECT_EQ(infer("matmul", {"f32[100, 64]", "f32[64, 128]"}), "f32[100, 128]");
  EXPECT_EQ(infer("matmul", {"f32[64, 100]", "f32[64, 128]"}, with({{"transpose_a", kYes}})),
            "f32[100, 128]");
  EXPECT_EQ(infer("matmul", {"f32[100, 64]", "f32[128, 64]"}, with({{"transpose_b", kYes}})),
            "f32[100, 128]");
  EXPECT_EQ(infer("matmul", {"f32[7, 5, 2, 3]", "f32[7, 5, 3, 4]"}), "f32[7, 5, 2, 4]");
}

TEST(TypeRules, MatmulSaysWhatItNeeds) {
  EXPECT_EQ(infer("matmul", {"f32[100, 64]", "f32[128, 10]"}),
            "matmul needs a[M, K] and b[K, N]; got f32[100, 64] and f32[128, 10]");
  EXPECT_EQ(infer("matmul", {"f32[100, 64]", "f32[64, 10]"},
                  with({{"transpose_a", kYes}, {"transpose_b", kYes}})),
            "matmul needs a[K, M] and b[N, K]; got f32[100, 64] and f32[64, 10]");
  EXPECT_EQ(infer("matmul", {"f32[5, 2, 3]", "f32[3, 4]"}),
            "matmul needs a[..., M, K] and b[..., K, N] with the same leading dimensions; got "
            "f32[5, 2, 3] and f32[3, 4]");
  EXPECT_EQ(infer("matmul", {"f32[5, 2, 3]", "f32[6, 3, 4]"}),
            "matmul needs a[..., M, K] and b[..., K, N] with the same leading dimensions; got "
            "f32[5, 2, 3] and f32[6, 3, 4]");
  EXPECT_EQ(infer("matmul", {"i32[2, 2]", "f32[2, 2]"}),
            "matmul works on floats only; got i32[2, 2]; cast it to f32");
  EXPECT_EQ(blamed("matmul", {"f32[100, 64]", "f32[128, 10]"}), 1U);
  EXPECT_EQ(blamed("matmul", {"f32[64]", "f32[64, 10]"}), 0U);
}

TEST(TypeRules, ProductsKnowThreePrecisions) {
  const auto math = [](const char* word) { return with({{"math", std::string(word)}}); };
  for (const char* word : {"f32", "tf32", "bf16"}) {
    EXPECT_EQ(infer("matmul", {"f32[2, 3]", "f32[3, 4]"}, math(word)), "f32[2, 4]") << word;
  }
  EXPECT_EQ(infer("matmul", {"f32[2, 3]", "f32[3, 4]"}, math("tf23")),
            "matmul needs `math` to be f32, tf32 or bf16; got tf23");
  Attributes update = math("f16");
  update.set("learning_rate", 0.5);
  EXPECT_EQ(infer("matmul_sgd_update", {"f32[2, 4]", "f32[2, 3]", "f32[3, 4]"}, update),
            "matmul_sgd_update needs `math` to be f32, tf32 or bf16; got f16");
}

TEST(TypeRules, MatmulTakesAFactor) {
  EXPECT_EQ(infer("matmul", {"f32[2, 3]", "f32[3, 4]"}, with({{"alpha", 0.5}})), "f32[2, 4]");
  EXPECT_EQ(infer("matmul", {"f32[2, 3]", "f32[3, 4]"}, with({{"alpha", 0.0}})),
            "matmul needs an alpha other than 0");
}

TEST(TypeRules, MatmulTakesABias) {
  EXPECT_EQ(infer("matmul", {"f32[2, 3]", "f32[3, 4]", "f32[4]"}, with({{"relu", kYes}})),
            "f32[2, 4]");
  EXPECT_EQ(infer("matmul", {"f32[7, 2, 3]", "f32[7, 3, 4]", "f32[4]"}), "f32[7, 2, 4]");
  EXPECT_EQ(infer("matmul", {"f32[2, 3]", "f32[3, 4]", "f32[2]"}),
            "matmul gives f32[2, 4] and needs f32[4] as its bias, or as much to add; got f32[2]");
  EXPECT_EQ(
      infer("matmul", {"f32[2, 3]", "f32[3, 4]", "f32[1, 4]"}),
      "matmul gives f32[2, 4] and needs f32[4] as its bias, or as much to add; got f32[1, 4]");
  EXPECT_EQ(blamed("matmul", {"f32[2, 3]", "f32[3, 4]", "f32[2]"}), 2U);
  EXPECT_EQ(blamed("matmul", {"f32[2, 3]", "f32[3, 4]", "i32[4]"}), 2U);
}

TEST(TypeRules, MatmulTakesAMatrixToAdd) {
  const auto of_f32 = [](std::vector<std::string_view> more) {
    std::vector<std::string_view> inputs = {"f32[2, 3]", "f32[3, 4]"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    return infer("matmul", inputs);
  };
  EXPECT_EQ(of_f32({"f32[2, 4]"}), "f32[2, 4]");
  EXPECT_EQ(of_f32({"f32[4]", "f32[2, 4]"}), "f32[2, 4]");
  EXPECT_EQ(infer("matmul", {"bf16[2, 3]", "bf16[3, 4]", "f32[2, 4]"}, with({{"to", "f32"}})),
            "f32[2, 4]");
  EXPECT_EQ(of_f32({"bf16[2, 4]"}),
            "matmul gives f32[2, 4] and needs f32[4] as its bias, or as much to add; got "
            "bf16[2, 4]; cast it to f32");
  EXPECT_EQ(of_f32({"f32[4]", "f32[4]"}),
            "matmul gives f32[2, 4] and needs as much to add; got f32[4]");
  EXPECT_EQ(of_f32({"f32[2, 4]", "f32[2, 4]"}), "matmul adds one matrix to a product; got two");
  EXPECT_EQ(blamed("matmul", {"f32[2, 3]", "f32[3, 4]", "f32[4]", "f32[2, 3]"}), 3U);
}

TEST(TypeRules, AnUpdateByAProductWantsWeightsOfItsType) {
  const Attributes rate = with({{"learning_rate", 0.5}});
  const char* op = "matmul_sgd_update";
  EXPECT_EQ(infer(op, {"f32[2, 4]", "f32[2, 3]", "f32[3, 4]"}, rate), "f32[2, 4]");
  EXPECT_EQ(infer(op, {"f32[2, 4]", "f32[3, 2]", "f32[4, 3]"},
                  with({{"learning_rate", 0.5}, {"transpose_a", kYes}, {"transpose_b", kYes}})),
            "f32[2, 4]");
  EXPECT_EQ(infer(op, {"f32[4, 2]", "f32[2, 3]", "f32[3, 4]"}, rate),
            "matmul_sgd_update needs w of the product's type f32[2, 4]; got f32[4, 2]");
  EXPECT_EQ(infer(op, {"f32[2, 4]", "f32[2, 3]", "f32[4, 3]"}, rate),
            "matmul_sgd_update needs a[M, K] and b[K, N]; got f32[2, 3] and f32[4, 3]");
  EXPECT_EQ(infer(op, {"f32[1, 2, 4]", "f32[1, 2, 3]", "f32[1, 3, 4]"}, rate),
            "matmul_sgd_update needs w, a and b of 2 dimensions; got f32[1, 2, 4]");
  EXPECT_EQ(blamed(op, {"f32[4, 2]", "f32[2, 3]", "f32[3, 4]"}, rate), 0U);
  EXPECT_EQ(blamed(op, {"f32[2, 4]", "f32[2, 3]", "f32[4, 3]"}, rate), 2U);
}

TEST(TypeRules, SoftmaxWantsAnAxis) {
  EXPECT_EQ(infer("softmax", {"f32[2, 3]"}, with({{"axis", int64_t{-2}}})), "f32[2, 3]");
  EXPECT_EQ(infer("softmax", {"f32[2, 3]"}, with({{"axis", int64_t{2}}})),
            "softmax has no axis 2 in f32[2, 3]; its axes are 0 to 1, or -2 to -1 counted from the "
            "end");
  EXPECT_EQ(infer("softmax", {"f32[]"}), "softmax has no axis -1 in f32[]; a scalar has no axes");
}

TEST(TypeRules, ACausalSoftmaxWantsRowsAndColumns) {
  const Attributes causal = with({{"causal", kYes}});
  EXPECT_EQ(infer("softmax", {"f32[4, 2, 3]"}, causal), "f32[4, 2, 3]");
  EXPECT_EQ(infer("softmax", {"f32[2, 3]"}, with({{"axis", int64_t{1}}, {"causal", kYes}})),
            "f32[2, 3]");
  EXPECT_EQ(infer("softmax", {"f32[3]"}, causal),
            "softmax needs at least 2 dimensions and the last as its axis where it is causal; got "
            "axis 0 of f32[3]");
  EXPECT_EQ(infer("softmax", {"f32[2, 3]"}, with({{"axis", int64_t{0}}, {"causal", kYes}})),
            "softmax needs at least 2 dimensions and the last as its axis where it is causal; got "
            "axis 0 of f32[2, 3]");
}

TEST(TypeRules, TheGradientOfSoftmaxWantsAnAxis) {
  EXPECT_EQ(infer("softmax_grad", {"f32[2, 3]", "f32[2, 3]"}, with({{"axis", int64_t{0}}})),
            "f32[2, 3]");
  EXPECT_EQ(infer("softmax_grad", {"f32[]", "f32[]"}),
            "softmax_grad has no axis -1 in f32[]; a scalar has no axes");
}

TEST(TypeRules, CrossEntropyWantsLogitsAndLabels) {
  EXPECT_EQ(infer("softmax_cross_entropy", {"f32[5, 10]", "i32[5]"}), "f32[]");
  EXPECT_EQ(infer("softmax_cross_entropy_grad", {"f32[5, 10]", "i32[5]"}), "f32[5, 10]");
  EXPECT_EQ(infer("softmax_cross_entropy_grad", {"f32[5, 10]", "i32[5]"}, with({{"scale", 0.01}})),
            "f32[5, 10]");
  EXPECT_EQ(infer("softmax_cross_entropy", {"f32[5, 10]", "i32[6]"}),
            "softmax_cross_entropy needs logits[N, C] and label[N]; got f32[5, 10] and i32[6]");
  EXPECT_EQ(blamed("softmax_cross_entropy", {"f32[5, 10]", "f32[5]"}), 1U);
  EXPECT_EQ(blamed("softmax_cross_entropy", {"f32[5]", "i32[5]"}), 0U);
}

TEST(TypeRules, CrossEntropyWantsSettingsThatMeanSomething) {
  for (const std::string op : {"softmax_cross_entropy", "softmax_cross_entropy_grad"}) {
    const auto given = [&](Attributes attributes, const char* label = "i32[5]") {
      return infer(op, {"bf16[5, 10]", label}, attributes);
    };
    EXPECT_EQ(given(with({{"ignore_index", int64_t{-100}}, {"label_smoothing", 1.0}})),
              op == "softmax_cross_entropy" ? "f32[]" : "bf16[5, 10]");
    EXPECT_EQ(given(with({{"label_smoothing", 1.5}})),
              op + " needs 0 <= label_smoothing <= 1; got 1.5");
    EXPECT_EQ(given(with({{"label_smoothing", -0.1}})),
              op + " needs 0 <= label_smoothing <= 1; got -0.1");
    const Attributes far = with({{"ignore_index", int64_t{1} << 31}});
    EXPECT_EQ(given(far),
              op +
                  " leaves out the label 2147483648, which no element of i32[5] can be; cast it to "
                  "i64");
    EXPECT_EQ(given(far, "i64[5]"), op == "softmax_cross_entropy" ? "f32[]" : "bf16[5, 10]");
  }
  EXPECT_EQ(infer("softmax_cross_entropy", {"f32[5, 10]", "i32[5]"}, with({{"reduction", "max"}})),
            "softmax_cross_entropy gives a mean or a sum; got `reduction` max");
  EXPECT_EQ(infer("softmax_cross_entropy_grad", {"bf16[5, 10]", "i64[5]", "f32[]"}), "bf16[5, 10]");
  EXPECT_EQ(
      infer("softmax_cross_entropy_grad", {"bf16[5, 10]", "i64[5]", "bf16[]"}),
      "softmax_cross_entropy_grad needs f32[] as the gradient of the loss; got bf16[]; cast it "
      "to f32");
  EXPECT_EQ(blamed("softmax_cross_entropy_grad", {"bf16[5, 10]", "i64[5]", "f32[1]"}), 2U);
}

TEST(TypeRules, AccuracyWantsLogitsAndLabels) {
  EXPECT_EQ(infer("accuracy", {"f32[5, 10]", "i32[5]"}), "f32[]");
  EXPECT_EQ(infer("accuracy", {"f32[5, 10]", "i32[6]"}),
            "accuracy needs logits[N, C] and label[N]; got f32[5, 10] and i32[6]");
  EXPECT_EQ(infer("accuracy", {"f32[5, 2147483648]", "i32[5]"}),
            "accuracy takes at most 2147483647 classes; got f32[5, 2147483648]");
  EXPECT_EQ(infer("accuracy", {"f32[5, 10]", "i32[5]"}, with({{"reduction", "none"}})),
            "accuracy gives a mean or a sum; got `reduction` none");
}

TEST(TypeRules, LossesOfPairsAreScalars) {
  for (const std::string op : {"mse", "binary_cross_entropy"}) {
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[2, 3]"}), "f32[]");
    EXPECT_EQ(infer(op, {"f32[2, 3]", "f32[3]"}),
              op + " needs two operands of the same shape; got f32[2, 3] and f32[3]");
    EXPECT_EQ(blamed(op, {"f32[2]", "i32[2]"}), 1U);
  }
}

TEST(TypeRules, ClippingWantsASumOfSquaresAndANorm) {
  EXPECT_EQ(infer("sum_of_squares", {"f32[2, 3]"}), "f32[]");
  EXPECT_EQ(infer("sum_of_squares", {"i32[2]"}),
            "sum_of_squares works on floats only; got i32[2]; cast it to f32");
  EXPECT_EQ(infer("clip_factor", {"f32[]"}, with({{"max_norm", 0.5}})), "f32[]");
  EXPECT_EQ(infer("clip_factor", {"f32[]"}, with({{"max_norm", int64_t{0}}})),
            "clip_factor needs a max_norm above 0; got 0");
  EXPECT_EQ(infer("clip_factor", {"f32[1]"}, with({{"max_norm", 1.0}})),
            "clip_factor needs a sum of squares f32[]; got f32[1]");
  EXPECT_EQ(infer("clip_factor", {"f32[]"}),
            "clip_factor needs the attribute 'max_norm', a number");
}

TEST(TypeRules, WhatAnAttributeSaysIsBlamedOnIt) {
  const auto blames = [](std::string_view op, const std::vector<std::string_view>& inputs,
                         std::vector<Attribute> attributes) {
    return blamed_attribute(op, inputs, with(std::move(attributes)));
  };
  EXPECT_EQ(blames("matmul", {"f32[2, 3]", "f32[3, 4]"}, {{"math", "f64"}}), "math");
  EXPECT_EQ(blames("elementwise", {"f32[2]"}, {{"formula", "relu("}}), "formula");
  EXPECT_EQ(blames("elementwise", {"f32[2]"}, {{"formula", "add(x0, x1)"}}), "formula");
  EXPECT_EQ(blames("softmax", {"f32[2]"}, {{"axis", int64_t{3}}}), "axis");
  EXPECT_EQ(blames("sum", {"f32[2]"}, {{"axes", List{1}}}), "axes");
  EXPECT_EQ(blames("sum", {"f32[2]"}, {{"axes", List{}}}), "axes");
  EXPECT_EQ(blames("transpose", {"f32[2, 3]"}, {{"axes", List{0, 0}}}), "axes");
  EXPECT_EQ(blames("slice", {"f32[4]"}, {{"begin", int64_t{-1}}, {"end", int64_t{2}}}), "begin");
  EXPECT_EQ(blames("slice", {"f32[4]"}, {{"begin", int64_t{1}}, {"end", int64_t{9}}}), "end");
  EXPECT_EQ(blames("slice", {"f32[4]"}, {{"begin", int64_t{3}}, {"end", int64_t{2}}}), "end");
  EXPECT_EQ(blames("slice", {"f32[4]"}, {{"begin", int64_t{4}}, {"end", int64_t{5}}}), "begin");
  EXPECT_EQ(blames("reshape", {"f32[4]"}, {{"shape", List{3}}}), "shape");
  EXPECT_EQ(blames("broadcast", {"f32[4]"}, {{"shape", List{0}}}), "shape");
  EXPECT_EQ(blames("pad", {"f32[4]"}, {{"before", int64_t{0}}, {"after", int64_t{-1}}}), "after");
  EXPECT_EQ(blames("clip_factor", {"f32[]"}, {{"max_norm", 0.0}}), "max_norm");
  EXPECT_EQ(blames("learning_rate", {"i32[]"}, {{"base", 1.0}, {"decay_every", int64_t{2}}}),
            "decay_every");
  EXPECT_EQ(blames("learning_rate", {"i32[]"}, {{"base", 1.0}, {"final", 0.5}}), "final");
  EXPECT_EQ(blames("matmul", {"f32[2, 3]", "f32[4, 4]"}, {}), "");  // an operand's fault
}

}  // namespace
}  // namespace graphrt
