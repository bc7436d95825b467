#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "op_test_support.h"

namespace graphrt {
namespace {

using testing::ElementsAre;

TEST(OpTable, FindsEveryOperatorByItsName) {
  for (const OpInfo& op : all_ops()) EXPECT_EQ(find_op(op.name), &op) << op.name;
  EXPECT_EQ(find_op("convolve"), nullptr);
  EXPECT_EQ(find_op(""), nullptr);
  EXPECT_EQ(find_op("zzz"), nullptr);
}

TEST(OpTable, FindsAttributes) {
  const OpInfo& matmul = *find_op("matmul");
  EXPECT_EQ(find_attribute(matmul, "transpose_b")->kind, AttributeKind::kBool);
  EXPECT_EQ(find_attribute(matmul, "axis"), nullptr);
  EXPECT_TRUE(find_attribute(*find_op("scale"), "factor")->is_required);
}

TEST(OpTable, ChecksTheNumberOfOperands) {
  EXPECT_EQ(infer("relu", {"f32[2]", "f32[2]"}), "relu takes 1 input; got 2");
  EXPECT_EQ(infer("matmul", {"f32[2, 2]"}), "matmul takes 2 to 4 inputs; got 1");
  EXPECT_EQ(infer("concat", {}), "concat takes at least 1 input; got 0");
}

TEST(OpTable, RefusesUnknownAttributesWithTheNearestName) {
  EXPECT_EQ(infer("softmax", {"f32[2]"}, with({{"axsi", int64_t{0}}})),
            "softmax has no attribute 'axsi'; did you mean 'axis'?");
  EXPECT_EQ(infer("relu", {"f32[2]"}, with({{"axis", int64_t{0}}})),
            "relu has no attribute 'axis'");
}

TEST(OpTable, ChecksTheKindOfAttributes) {
  EXPECT_EQ(infer("softmax", {"f32[2]"}, with({{"axis", 0.5}})),
            "softmax needs an integer as 'axis'; got 0.5");
  EXPECT_EQ(infer("sum", {"f32[2]"}, with({{"axes", int64_t{0}}})),
            "sum needs a list of integers as 'axes'; got 0");
  EXPECT_EQ(infer("matmul", {"f32[2, 2]", "f32[2, 2]"}, with({{"transpose_a", int64_t{1}}})),
            "matmul needs true or false as 'transpose_a'; got 1");
  EXPECT_EQ(infer("scale", {"f32[2]"}, with({{"factor", std::numeric_limits<double>::infinity()}})),
            "scale needs a finite number as 'factor'; got inf");
}

// Kernels compute with floats: neither an infinity nor a 0 comes from what is neither.
TEST(OpTable, RefusesNumbersThatFloatsCannotHold) {
  const auto scale = [](double factor) {
    return infer("scale", {"f32[2]"}, with({{"factor", factor}}));
  };
  EXPECT_EQ(scale(1e39), "scale needs an f32 number as 'factor'; 1e+39 is too large for f32");
  EXPECT_EQ(scale(-1e39), "scale needs an f32 number as 'factor'; -1e+39 is too large for f32");
  EXPECT_EQ(scale(1e-50), "scale needs an f32 number as 'factor'; 1e-50 is too close to 0 for f32");
  EXPECT_EQ(scale(3.4028235e38), "f32[2]");  // above the largest float, and rounded to it
  EXPECT_EQ(scale(1e-45), "f32[2]");
  EXPECT_EQ(scale(0), "f32[2]");
  const std::vector<TensorType> operand = types({"f32[2]"});
  const auto error = infer_type(*find_op("scale"), operand, with({{"factor", 1e39}})).error();
  EXPECT_EQ(error.attribute, "factor");
}

// Every attribute that is a number, of every operator.
TEST(OpTable, HoldsAllNumbersToThat) {
  for (const OpInfo& op : all_ops()) {
    for (const AttributeSpec& spec : op.attributes) {
      if (spec.kind != AttributeKind::kFloat) continue;
      const std::vector<TensorType> operands(op.min_inputs, TensorType{ElementType::kF32, {2}});
      const auto result = infer_type(op, operands, with({{std::string(spec.name), 1e39}}));
      ASSERT_FALSE(result) << op.name;
      EXPECT_EQ(result.error().attribute, spec.name) << op.name;
    }
  }
}

TEST(OpTable, TakesAnIntegerWhereANumberIsWanted) {
  EXPECT_EQ(infer("scale", {"f32[2]"}, with({{"factor", int64_t{2}}})), "f32[2]");
}

TEST(OpTable, NamesMissingAttributes) {
  EXPECT_EQ(infer("scale", {"f32[2]"}), "scale needs the attribute 'factor', a number");
  EXPECT_EQ(infer("slice", {"f32[2]"}, with({{"begin", int64_t{0}}})),
            "slice needs the attribute 'end', an integer");
  EXPECT_EQ(infer("reshape", {"f32[2]"}),
            "reshape needs the attribute 'shape', a list of integers");
}

// 2^21 x 2^21 floats are 2^44 bytes, the largest tensor; one row more is too many.
TEST(OpTable, RefusesResultsThatAreTooLarge) {
  EXPECT_EQ(infer("matmul", {"f32[2097152, 1]", "f32[1, 2097152]"}), "f32[2097152, 2097152]");
  EXPECT_EQ(infer("matmul", {"f32[2097153, 1]", "f32[1, 2097152]"}),
            "matmul would give f32[2097153, 2097152], which is larger than 16 TiB");
}

TEST(OpTable, AllowsInPlaceOnlyForElementwiseOperatorsOnOperandsOfTheResultsType) {
  const auto type = types({"f32[2, 3]", "f32[3]"});
  EXPECT_TRUE(may_run_in_place(*find_op("add"), 1, type[0], type[0]));
  EXPECT_FALSE(may_run_in_place(*find_op("add"), 1, type[1], type[0]));
  EXPECT_FALSE(may_run_in_place(*find_op("softmax"), 0, type[0], type[0]));
  EXPECT_FALSE(may_run_in_place(*find_op("matmul"), 0, type[0], type[0]));
}

TEST(OpTable, AllowsAChainInPlaceOfAnyOperandOfTheWholeShape) {
  const auto type = types({"f32[2, 3]", "f32[3]"});
  const OpInfo& chain = *find_op("elementwise");
  EXPECT_TRUE(may_run_in_place(chain, 0, type[0], type[0]));
  EXPECT_TRUE(may_run_in_place(chain, 7, type[0], type[0]));
  EXPECT_FALSE(may_run_in_place(chain, 0, type[1], type[0]));
}

// f32 into f32 may take its bytes; i32 has another type than the result.
TEST(OpTable, AllowsComparisonsInPlaceOfFloatsAlone) {
  const auto type = types({"f32[3]", "i32[3]"});
  EXPECT_TRUE(may_run_in_place(*find_op("equal"), 1, type[0], type[0]));
  EXPECT_FALSE(may_run_in_place(*find_op("equal"), 1, type[1], type[0]));
}

TEST(OpTable, AllowsAnUpdateByAProductInPlaceOfTheWeightsAlone) {
  const TensorType square = types({"f32[3, 3]"})[0];
  const OpInfo& update = *find_op("matmul_sgd_update");
  EXPECT_TRUE(may_run_in_place(update, 0, square, square));
  EXPECT_FALSE(may_run_in_place(update, 1, square, square));
  EXPECT_FALSE(may_run_in_place(update, 2, square, square));
}

TEST(OpTable, AllowsAProductInPlaceOfWhatItIsAddedTo) {
  const TensorType square = types({"f32[3, 3]"})[0];
  const TensorType bias = types({"f32[3]"})[0];
  const OpInfo& matmul = *find_op("matmul");
  EXPECT_FALSE(may_run_in_place(matmul, 0, square, square));
  EXPECT_FALSE(may_run_in_place(matmul, 1, square, square));
  EXPECT_TRUE(may_run_in_place(matmul, 2, square, square));
  EXPECT_FALSE(may_run_in_place(matmul, 2, bias, square));
  EXPECT_TRUE(may_run_in_place(matmul, 3, square, square));
}

TEST(OpTable, AllowsANormInPlaceOfItsFirstOperandAlone) {
  const TensorType x = types({"f32[3]"})[0];
  for (const char* op : {"layer_norm", "layer_norm_grad", "rms_norm", "rms_norm_grad"}) {
    EXPECT_TRUE(may_run_in_place(*find_op(op), 0, x, x)) << op;
    EXPECT_FALSE(may_run_in_place(*find_op(op), 1, x, x)) << op;
  }
  EXPECT_FALSE(may_run_in_place(*find_op("layer_norm_scale_grad"), 0, x, x));
  // Of several results, each over its own operand or none.
  for (const size_t number : {size_t{0}, size_t{1}, size_t{2}}) {
    for (const size_t operand : {size_t{0}, size_t{1}, size_t{2}, size_t{3}}) {
      EXPECT_EQ(may_run_in_place(*find_op("adam_step"), operand, x, x, number), operand == number);
    }
  }
  EXPECT_FALSE(may_run_in_place(*find_op("add"), 1, x, x, 1));
}

TEST(OpTable, NormalizesAxes) {
  EXPECT_THAT(normalized_axes({-1, 0}, 3), ElementsAre(0, 2));
  EXPECT_THAT(normalized_axes({}, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(normalized_axes({}, 0), ElementsAre());
}

TEST(WorkRules, CountTheOperationsOfMatrixProducts) {
  const auto inputs = types({"f32[5, 4, 2]", "f32[5, 4, 3]"});
  const Attributes attributes = with({{"transpose_a", true}});
  const auto results = infer_types(*find_op("matmul"), inputs, attributes).value();
  ASSERT_EQ(to_string(results[0]), "f32[5, 2, 3]");
  const Work work = find_op("matmul")->work_rule(inputs, results, attributes);
  EXPECT_EQ(work.rate, "matmul_f32");
  EXPECT_EQ(work.num_flops, 2 * 2 * 3 * 4 * 5);  // 2 M N K for each of 5 products
  EXPECT_EQ(work.num_bytes, 4 * (5 * 4 * 2 + 5 * 4 * 3 + 5 * 2 * 3));
}

TEST(WorkRules, CoarserProductsHaveRatesOfTheirOwn) {
  const auto inputs = types({"f32[2, 3]", "f32[3, 4]"});
  for (const std::string math : {"f32", "tf32", "bf16"}) {
    const Work work =
        find_op("matmul")->work_rule(inputs, types({"f32[2, 4]"}), with({{"math", math}}));
    EXPECT_EQ(work.rate, "matmul_" + math);
  }
}

TEST(WorkRules, CountWhatIsDoneAlongWithAProduct) {
  const auto with_bias = types({"f32[2, 3]", "f32[3, 4]", "f32[4]"});
  const Work biased = find_op("matmul")->work_rule(with_bias, types({"f32[2, 4]"}), {});
  EXPECT_EQ(biased.num_flops, 2 * 2 * 4 * 3);
  EXPECT_EQ(biased.num_bytes, 4 * (2 * 3 + 3 * 4 + 4 + 2 * 4));
  const auto operands = types({"f32[2, 4]", "f32[3, 2]", "f32[3, 4]"});
  const Work update =
      find_op("matmul_sgd_update")
          ->work_rule(operands, types({"f32[2, 4]"}), with({{"transpose_a", true}}));
  EXPECT_EQ(update.rate, "matmul_f32");
  EXPECT_EQ(update.num_flops, 2 * 2 * 4 * 3);
  EXPECT_EQ(update.num_bytes, 4 * (2 * 4 + 3 * 2 + 3 * 4 + 2 * 4));
}

TEST(WorkRules, CountTheBytesOfTheRest) {
  const auto inputs = types({"f32[10, 3]"});
  const Attributes attributes = with({{"begin", int64_t{2}}, {"end", int64_t{4}}});
  const auto rows = infer_types(*find_op("slice"), inputs, attributes).value();
  EXPECT_EQ(find_op("slice")->work_rule(inputs, rows, attributes).num_bytes, 2 * 2 * 3 * 4);
  const auto table = types({"f32[1000, 3]", "i32[2, 2]"});
  const auto looked_up = infer_types(*find_op("embedding"), table, {}).value();
  EXPECT_EQ(find_op("embedding")->work_rule(table, looked_up, {}).num_bytes, 4 * (4 + 2 * 4 * 3));
  const auto chained = types({"f32[10, 3]", "f32[3]"});
  const Attributes formula = with({{"formula", "exp(add(x0, x1))"}});
  EXPECT_EQ(find_op("elementwise")->work_rule(chained, inputs, formula).num_bytes,
            4 * (2 * 10 * 3 + 3));
  // Two slow functions take a CPU about as long in one kernel as in two.
  const Attributes slow = with({{"formula", "relu(tanh(exp(add(x0, x1))))"}});
  EXPECT_EQ(find_op("elementwise")->work_rule(chained, inputs, slow).num_bytes,
            4 * (2 * 10 * 3 + 3) + 2 * 4 * 10 * 3);
  const Work work = find_op("relu")->work_rule(inputs, inputs, {});
  EXPECT_EQ(work.rate, "");
  EXPECT_EQ(work.num_flops, 0);
  EXPECT_EQ(work.num_bytes, 2 * 10 * 3 * 4);
}

}  // namespace
}  // namespace graphrt
