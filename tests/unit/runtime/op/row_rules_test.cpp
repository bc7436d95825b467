#include <gtest/gtest.h>

#include <string_view>

#include "op_test_support.h"

namespace graphrt {
namespace {

/// "same all": what rows of the result need of each operand; "" if they cannot be computed alone.
std::string uses(std::string_view op, const std::vector<std::string>& inputs,
                 const Attributes& attributes = {}) {
  std::vector<TensorType> types;
  for (const std::string& input : inputs) types.push_back(*parse_tensor_type(input));
  const auto result = infer_type(*find_op(op), types, attributes);
  EXPECT_TRUE(result) << op;
  std::string text;
  for (const RowUse use : row_uses(*find_op(op), types, *result, attributes)) {
    text += std::string(text.empty() ? "" : " ") + (use == RowUse::kSame ? "same" : "all");
  }
  return text;
}

TEST(RowRules, ElementwiseTakesTheSameRowsOfWhatIsNotRepeatedAlongThem) {
  EXPECT_EQ(uses("add", {"f32[8, 3]", "f32[8, 3]"}), "same same");
  EXPECT_EQ(uses("add", {"f32[8, 3]", "f32[3]"}), "same all");
  EXPECT_EQ(uses("add", {"f32[1, 3]", "f32[8, 3]"}), "all same");
  EXPECT_EQ(uses("relu", {"f32[8]"}), "same");
  EXPECT_EQ(uses("relu", {"f32[]"}), "");
}

TEST(RowRules, AChainTakesTheSameRowsOfWhatIsNotRepeated) {
  const auto chain = with({{"formula", "mul(add(x0, x1), x2)"}});
  EXPECT_EQ(uses("elementwise", {"f32[8, 3]", "f32[8, 3]", "f32[3]"}, chain), "same same all");
  EXPECT_EQ(uses("elementwise", {"f32[3]", "f32[8, 3]", "f32[]"}, chain), "all same all");
  // Rows of matrices, and a matrix that is repeated: it has as many rows by chance.
  EXPECT_EQ(uses("elementwise", {"f32[8, 8, 3]", "f32[8, 3]", "f32[3]"}, chain), "same all all");
  EXPECT_EQ(uses("elementwise", {"f32[]", "f32[]", "f32[]"}, chain), "");
}

TEST(RowRules, AProductNeedsAllOfItsSecondOperand) {
  EXPECT_EQ(uses("matmul", {"f32[8, 3]", "f32[3, 5]"}), "same all");
  EXPECT_EQ(uses("matmul", {"f32[8, 3]", "f32[5, 3]"}, with({{"transpose_b", true}})), "same all");
  EXPECT_EQ(uses("matmul", {"f32[3, 8]", "f32[3, 5]"}, with({{"transpose_a", true}})), "");
  EXPECT_EQ(uses("matmul", {"f32[4, 8, 3]", "f32[4, 3, 5]"}), "same same");
}

TEST(RowRules, AProductNeedsAllOfItsBias) {
  EXPECT_EQ(uses("matmul", {"f32[8, 3]", "f32[3, 5]", "f32[5]"}), "same all all");
  EXPECT_EQ(uses("matmul", {"f32[8, 3]", "f32[3, 5]", "f32[5]", "f32[8, 5]"}), "same all all same");
  EXPECT_EQ(uses("matmul", {"f32[3, 8]", "f32[3, 5]", "f32[5]"}, with({{"transpose_a", true}})),
            "");
  // Five products of eight rows each: the first dimension counts products.
  EXPECT_EQ(uses("matmul", {"f32[5, 8, 3]", "f32[5, 3, 5]", "f32[5, 8, 5]"}), "same same same");
  EXPECT_EQ(uses("matmul", {"f32[5, 8, 3]", "f32[5, 3, 5]", "f32[5]"}), "same same all");
}

TEST(RowRules, AnUpdateByAProductNeedsTheSameRowsOfTheWeights) {
  const auto with_rate = [](bool transpose_a) {
    return with({{"learning_rate", 0.1}, {"transpose_a", transpose_a}});
  };
  EXPECT_EQ(uses("matmul_sgd_update", {"f32[8, 5]", "f32[8, 3]", "f32[3, 5]"}, with_rate(false)),
            "same same all");
  EXPECT_EQ(uses("matmul_sgd_update", {"f32[8, 5]", "f32[3, 8]", "f32[3, 5]"}, with_rate(true)),
            "");
}

TEST(RowRules, AlongOtherAxesThanTheFirst) {
  EXPECT_EQ(uses("softmax", {"f32[8, 3]"}), "same");
  EXPECT_EQ(uses("softmax", {"f32[8, 3]"}, with({{"axis", int64_t{0}}})), "");
  EXPECT_EQ(uses("softmax", {"f32[8, 3]"}, with({{"axis", int64_t{-2}}})), "");
  EXPECT_EQ(uses("argmax", {"f32[8, 3]"}), "same");
  EXPECT_EQ(uses("sum", {"f32[8, 3]"}, with({{"axes", List{1}}})), "same");
  EXPECT_EQ(uses("sum", {"f32[8, 3]"}, with({{"axes", List{-2}}})), "");
  EXPECT_EQ(uses("mean", {"f32[8, 3]"}), "");
}

// Row i of a matrix uses i + 1 columns: a block of rows alone does not know i.
TEST(RowRules, ACausalSoftmaxNeedsWholeMatrices) {
  const Attributes causal = with({{"causal", true}});
  EXPECT_EQ(uses("softmax", {"f32[8, 8]"}, causal), "");
  EXPECT_EQ(uses("softmax", {"f32[4, 8, 8]"}, causal), "same");
  EXPECT_EQ(uses("softmax", {"f32[8, 8]"}, with({{"causal", false}})), "same");
}

TEST(RowRules, TheGradientOfSoftmaxTakesTheSameRowsOfBoth) {
  EXPECT_EQ(uses("softmax_grad", {"f32[8, 3]", "f32[8, 3]"}), "same same");
  EXPECT_EQ(uses("softmax_grad", {"f32[8, 3]", "f32[8, 3]"}, with({{"axis", int64_t{0}}})), "");
}

TEST(RowRules, NormsNeedAllOfWhatTheyHaveForEachColumn) {
  EXPECT_EQ(uses("layer_norm", {"f32[8, 3]", "f32[3]", "f32[3]"}), "same all all");
  EXPECT_EQ(uses("rms_norm", {"f32[8, 2, 3]", "f32[3]"}), "same all");
  EXPECT_EQ(uses("layer_norm_grad", {"f32[3, 3]", "f32[3, 3]", "f32[3]"}), "same same all");
  // One row, of which every element needs all.
  EXPECT_EQ(uses("layer_norm", {"f32[3]", "f32[3]", "f32[3]"}), "");
  EXPECT_EQ(uses("rms_norm_grad", {"f32[3]", "f32[3]", "f32[3]"}), "");
  EXPECT_EQ(uses("rms_norm_scale_grad", {"f32[8, 3]", "f32[8, 3]"}), "");
}

TEST(RowRules, EmbeddingsNeedAllOfTheTable) {
  EXPECT_EQ(uses("embedding", {"f32[9, 3]", "i32[8]"}), "all same");
  EXPECT_EQ(uses("embedding", {"f32[8, 3]", "i32[8, 2]"}), "all same");
  EXPECT_EQ(uses("embedding", {"f32[8, 3]", "i32[]"}), "");
  EXPECT_EQ(uses("embedding_grad", {"f32[8, 3]", "i32[8]"}, with({{"rows", int64_t{8}}})), "");
}

TEST(RowRules, UpdatesNeedTheirScalarsWhole) {
  EXPECT_EQ(uses("sgd_update", {"f32[8, 3]", "f32[8, 3]", "f32[]"}), "same same all");
  EXPECT_EQ(uses("adam_update", {"f32[8]", "f32[8]", "f32[8]", "i32[]", "f32[]"}),
            "same same same all all");
  EXPECT_EQ(uses("adam_step", {"f32[8]", "f32[8]", "f32[8]", "f32[8]", "i32[]", "f32[]"}),
            "same same same same all all");
}

// Its numbers depend on where in the whole an element is.
TEST(RowRules, DropoutIsNotDivided) {
  EXPECT_EQ(uses("dropout", {"f32[8, 3]", "i32[]"}, with({{"rate", 0.5}})), "");
}

// By default the gradient is scaled by the number of rows, which a block does not know.
TEST(RowRules, TheGradientOfAMeanNeedsItsScale) {
  for (const char* op : {"mse_grad", "binary_cross_entropy_grad"}) {
    EXPECT_EQ(uses(op, {"f32[8, 3]", "f32[8, 3]"}), "") << op;
    EXPECT_EQ(uses(op, {"f32[8, 3]", "f32[8, 3]"}, with({{"scale", 0.125}})), "same same") << op;
    EXPECT_EQ(uses(op, {"f32[8, 3]", "f32[8, 3]", "f32[]"}, with({{"scale", 0.125}})),
              "same same all")
        << op;
    EXPECT_EQ(uses(op, {"f32[]", "f32[]"}, with({{"scale", 0.125}})), "") << op;
  }
  EXPECT_EQ(uses("softmax_cross_entropy_grad", {"f32[8, 3]", "i32[8]"}), "");
  EXPECT_EQ(uses("softmax_cross_entropy_grad", {"f32[8, 3]", "i32[8]"}, with({{"scale", 0.125}})),
            "same same");
  EXPECT_EQ(uses("softmax_cross_entropy_grad", {"f32[8, 3]", "i32[8]", "f32[]"},
                 with({{"scale", 0.125}})),
            "same same all");
}

TEST(RowRules, MeansOverWhatCountsAreNotMeansOfMeans) {
  for (const std::string_view name : {"softmax_cross_entropy", "accuracy"}) {
    const OpInfo& op = *find_op(name);
    const std::vector<TensorType> inputs = {{ElementType::kF32, {8, 3}}, {ElementType::kI32, {8}}};
    const auto total = [&](const Attributes& attributes) {
      return op.row_total_rule(inputs, {ElementType::kF32, {}}, attributes);
    };
    EXPECT_EQ(total({}), RowTotal::kMean);
    EXPECT_EQ(total(with({{"reduction", "mean"}})), RowTotal::kMean);
    EXPECT_EQ(total(with({{"ignore_index", int64_t{2}}})), RowTotal::kMeanOfCounted);
    EXPECT_EQ(total(with({{"reduction", "sum"}})), RowTotal::kSum);
    EXPECT_EQ(total(with({{"ignore_index", int64_t{2}}, {"reduction", "sum"}})), RowTotal::kSum);
  }
}

TEST(RowRules, PaddingOfOtherAxesThanTheFirst) {
  const auto along = [](int64_t axis) {
    return with({{"axis", axis}, {"before", int64_t{1}}, {"after", int64_t{2}}});
  };
  EXPECT_EQ(uses("pad", {"f32[8, 3]"}, along(1)), "same");
  EXPECT_EQ(uses("pad", {"f32[8, 3]"}, along(0)), "");
  EXPECT_EQ(uses("pad", {"f32[8, 3]"}, along(-2)), "");
}

TEST(RowRules, TotalsAreNotDivided) {
  for (const char* op : {"mse", "binary_cross_entropy"}) {
    EXPECT_EQ(uses(op, {"f32[8, 3]", "f32[8, 3]"}), "") << op;
  }
  EXPECT_EQ(uses("accuracy", {"f32[8, 3]", "i32[8]"}), "");
  EXPECT_EQ(uses("sum_of_squares", {"f32[8, 3]"}), "");
}

TEST(RowRules, MovementIsNotDivided) {
  EXPECT_EQ(uses("broadcast", {"f32[3]"}, with({{"shape", List{8, 3}}})), "");
  EXPECT_EQ(uses("transpose", {"f32[8, 3]"}), "");
  EXPECT_EQ(uses("concat", {"f32[8, 3]", "f32[8, 3]"}), "");
}

}  // namespace
}  // namespace graphrt
