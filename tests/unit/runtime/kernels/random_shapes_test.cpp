// The CPU kernels against the reference over random shapes, operator by operator.
#include <algorithm>
#include <map>

#include "attention_cases.h"
#include "chain_cases.h"
#include "dice.h"
#include "element_cases.h"
#include "kernel_test_support.h"
#include "layer_cases.h"
#include "loss_scale_cases.h"
#include "runtime/op/element_function.h"
#include "training_cases.h"

namespace graphrt {
namespace {

constexpr int kCasesPerOperator = 120;
constexpr uint32_t kShapesSeed = 20240917;

using Case = OperatorUse;

Case log_case(Dice& dice) {
  Tensor x = dice.f32(dice.any_shape());
  for (float& element : x.as<float>()) element = std::abs(element) + 0.01F;
  return {{std::move(x)}, {}};
}

Case copy_case(Dice& dice) { return {{dice.any(dice.any_shape())}, {}}; }

Case arithmetic_case(Dice& dice) {
  const Shape whole = dice.any_shape();
  const Shape other = dice.stretchable(whole);
  ElementType element = dice.any_element();
  if (element == ElementType::kBool) element = ElementType::kF32;
  Case result{{dice.numbers(element, whole), dice.numbers(element, other)}, {}};
  if (dice.flip()) std::swap(result.inputs[0], result.inputs[1]);
  return result;
}

Case division_case(Dice& dice) {
  const Shape whole = dice.any_shape();
  return {{dice.f32(dice.stretchable(whole)), dice.f32(whole)}, {}};
}

Case scale_case(Dice& dice) { return {{dice.f32(dice.any_shape())}, with({{"factor", -0.3}})}; }

/// Two matrices, or as many pairs of them as `batch` says, that are multiplied.
Case product_case(Dice& dice, const Shape& batch) {
  const int64_t m = dice.between(1, 40);
  const int64_t k = dice.between(1, 70);
  const int64_t n = dice.between(1, 40);
  const bool transpose_a = dice.flip();
  const bool transpose_b = dice.flip();
  Shape a = batch;
  Shape b = batch;
  a.insert(a.end(), {transpose_a ? k : m, transpose_a ? m : k});
  b.insert(b.end(), {transpose_b ? n : k, transpose_b ? k : n});
  return {{dice.f32(a), dice.f32(b)},
          with({{"transpose_a", transpose_a}, {"transpose_b", transpose_b}})};
}

Shape shape_of_product(const Case& product) {
  return result_type("matmul", product.inputs, product.attributes).shape;
}

Case matmul_case(Dice& dice) {
  Shape batch = dice.shape(dice.between(0, 2));
  if (!batch.empty()) batch.back() = dice.between(1, 3);
  Case result = product_case(dice, batch);
  const Shape shape = shape_of_product(result);
  if (dice.flip()) result.inputs.push_back(dice.f32({shape.back()}));
  if (dice.flip()) result.inputs.push_back(dice.f32(shape));
  if (dice.flip()) result.attributes.set("relu", dice.flip());
  if (dice.flip()) result.attributes.set("alpha", -0.375);
  return result;
}

Case matmul_sgd_case(Dice& dice) {
  Case result = product_case(dice, {});
  result.inputs.insert(result.inputs.begin(), dice.f32(shape_of_product(result)));
  result.attributes.set("learning_rate", 0.05);
  return result;
}

Attributes reduction_attributes(Dice& dice, const Shape& shape) {
  Attributes attributes = with({{"keepdims", dice.flip()}});
  List axes = dice.permutation(std::ssize(shape));
  axes.resize(static_cast<size_t>(dice.between(0, std::ssize(axes))));
  for (int64_t& axis : axes) axis -= dice.flip() ? std::ssize(shape) : 0;
  if (!axes.empty()) attributes.set("axes", axes);
  return attributes;
}

Case mean_case(Dice& dice) {
  const Shape shape = dice.any_shape();
  return {{dice.f32(shape)}, reduction_attributes(dice, shape)};
}

Case sum_or_max_case(Dice& dice) {
  const Shape shape = dice.any_shape();
  return {{dice.any_of_32_bits(shape)}, reduction_attributes(dice, shape)};
}

Case argmax_case(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 4));
  // Few different numbers: many are equal, and the lowest index must win.
  return {{dice.i32(shape, -3, 3)}, with({{"axis", dice.axis(shape)}})};
}

Case transpose_case(Dice& dice) {
  const Shape shape = dice.shape(dice.between(2, 4));
  if (dice.between(0, 3) == 0) return {{dice.any(shape)}, {}};
  return {{dice.any(shape)}, with({{"axes", dice.permutation(std::ssize(shape))}})};
}

Case slice_case(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 4));
  const int64_t axis = dice.axis(shape);
  const int64_t from_front = axis < 0 ? axis + std::ssize(shape) : axis;
  const int64_t end = dice.between(1, shape[static_cast<size_t>(from_front)]);
  return {{dice.any(shape)},
          with({{"axis", axis}, {"begin", dice.between(0, end - 1)}, {"end", end}})};
}

Case concat_case(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 3));
  const int64_t axis = dice.axis(shape);
  const int64_t from_front = axis < 0 ? axis + std::ssize(shape) : axis;
  Case result{{}, with({{"axis", axis}})};
  const ElementType element = dice.any_element();
  for (int64_t count = dice.between(1, 4); count > 0; --count) {
    Shape part = shape;
    part[static_cast<size_t>(from_front)] = dice.between(1, 9);
    result.inputs.push_back(dice.numbers(element, part));
  }
  return result;
}

Case reshape_case(Dice& dice) {
  return {{dice.any(dice.any_shape())}, with({{"shape", List{1, -1}}})};
}

using MakeCase = Case (*)(Dice&);

const std::map<std::string_view, MakeCase>& makers() {
  static const std::map<std::string_view, MakeCase> kMakers = {
      {"accuracy", accuracy_use},
      {"adam_step", adam_step_use},
      {"adam_update", adam_use},
      {"add", arithmetic_case},
      {"argmax", argmax_case},
      {"attention", mild_attention_use},
      {"attention_grad", mild_attention_grad_use},
      {"packed_attention", mild_packed_attention_use},
      {"packed_attention_grad", mild_packed_attention_grad_use},
      {"binary_cross_entropy", f32_pair_use},
      {"binary_cross_entropy_grad", loss_grad_use},
      {"broadcast", broadcast_use},
      {"clip_factor", clip_factor_use},
      {"cast", cast_use},
      {"concat", concat_case},
      {"copy", copy_case},
      {"count_step", count_step_use},
      {"div", division_case},
      {"dropout", dropout_use},
      {"elementwise", chain_use},
      {"embedding", embedding_use},
      {"embedding_grad", embedding_grad_use},
      {"equal", comparison_use},
      {"greater", comparison_use},
      {"greater_equal", comparison_use},
      {"layer_norm", norm_with_shift_use},
      {"layer_norm_grad", norm_grad_use},
      {"layer_norm_scale_grad", norm_scale_grad_use},
      {"learning_rate", learning_rate_use},
      {"less", comparison_use},
      {"less_equal", comparison_use},
      {"log", log_case},
      {"logical_and", logic_use},
      {"logical_not", not_use},
      {"logical_or", logic_use},
      {"loss_scale_update", loss_scale_update_use},
      {"matmul", matmul_case},
      {"matmul_sgd_update", matmul_sgd_case},
      {"max", sum_or_max_case},
      {"mean", mean_case},
      {"momentum_update", momentum_use},
      {"moving_average", moving_average_use},
      {"moving_average_of_squares", average_of_squares_use},
      {"mse", f32_pair_use},
      {"mse_grad", loss_grad_use},
      {"mul", arithmetic_case},
      {"norm", f32_use},
      {"not_equal", comparison_use},
      {"pad", pad_use},
      {"reshape", reshape_case},
      {"rms_norm", norm_use},
      {"rms_norm_grad", norm_grad_use},
      {"rms_norm_scale_grad", norm_scale_grad_use},
      {"scale", scale_case},
      {"select", select_use},
      {"sgd_update", sgd_use},
      {"slice", slice_case},
      {"softmax", softmax_use},
      {"softmax_cross_entropy", cross_entropy_use},
      {"softmax_cross_entropy_grad", cross_entropy_grad_use},
      {"softmax_grad", softmax_grad_use},
      {"sqrt", sqrt_use},
      {"streak_update", streak_update_use},
      {"sub", arithmetic_case},
      {"sum", sum_or_max_case},
      {"sum_of_squares", f32_use},
      {"transpose", transpose_case},
      {"unscale_factor", unscale_factor_use},
  };
  return kMakers;
}

std::string describe(std::string_view op, const Case& tested) {
  std::string text(op);
  for (const Tensor& input : tested.inputs) text += " " + to_string(input.type);
  for (const Attribute& attribute : tested.attributes) {
    text += " " + attribute.name + "=" + to_string(attribute.value);
  }
  return text;
}

Case make_plain_case(std::string_view op, Dice& dice) {
  const auto maker = makers().find(op);
  if (maker != makers().end()) return maker->second(dice);
  CHECK(find_element_function(op), "write a maker of cases for " + std::string(op));
  return element_function_use(dice, op);
}

/// As its maker has it, mostly of f32, or of other types.
Case make_case(std::string_view op, Dice& dice) {
  const Case plain = make_plain_case(op, dice);
  return dice.flip() ? plain : in_other_elements(dice, op, plain);
}

class RandomShapes : public testing::TestWithParam<std::string_view> {};

INSTANTIATE_TEST_SUITE_P(Operators, RandomShapes, testing::ValuesIn(ops_with_kernels()),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(RandomShapes, CpuAgreesWithReference) {
  const std::string_view op = GetParam();
  Dice dice(kShapesSeed);
  for (int i = 0; i < kCasesPerOperator; ++i) {
    const Case tested = make_case(op, dice);
    const std::vector<Tensor> found = run_cpu_for_all(op, tested.inputs, tested.attributes);
    const std::vector<Tensor> wanted = run_reference_for_all(op, tested.inputs, tested.attributes);
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t k = 0; k < found.size(); ++k) {
      ASSERT_TRUE(same(found[k], wanted[k], 2e-6)) << describe(op, tested) << ", result " << k
                                                   << ", case " << i << " of seed " << kShapesSeed;
    }
  }
}

TEST_P(RandomShapes, GivesTheSameBitsEveryTime) {
  Dice dice(kShapesSeed + 1);
  const Case tested = make_case(GetParam(), dice);
  EXPECT_EQ(run_cpu(GetParam(), tested.inputs, tested.attributes).data,
            run_cpu(GetParam(), tested.inputs, tested.attributes).data);
}

TEST_P(RandomShapes, GivesTheSameBitsInPlace) {
  const OpInfo& op = *find_op(GetParam());
  Dice dice(kShapesSeed + 2);
  for (int i = 0; i < kCasesPerOperator; ++i) {
    const Case tested = make_case(op.name, dice);
    const std::vector<Tensor> apart = run_cpu_for_all(op.name, tested.inputs, tested.attributes);
    for (size_t shared = 0; shared < tested.inputs.size(); ++shared) {
      if (!may_run_in_place(op, shared, tested.inputs[shared].type, apart[0].type)) continue;
      std::vector<Tensor> inputs = tested.inputs;
      KernelCall call(op.name, inputs, tested.attributes);
      // Where each result has its own operand, all at once.
      const size_t num_shared = op.in_place == InPlace::kOperandOfNumber ? apart.size() : 1;
      for (size_t k = 0; k < num_shared; ++k) call.write_to(inputs[shared + k].data.data(), k);
      call.run();
      for (size_t k = 0; k < num_shared; ++k) {
        ASSERT_EQ(inputs[shared + k].data, apart[k].data) << describe(op.name, tested);
      }
    }
  }
}

// What stands at an operand that has a wrong type, whatever the operator.
TEST_P(RandomShapes, TypesThatAreNotTakenAreNamedWithTheCastThatWouldDo) {
  const OpInfo& op = *find_op(GetParam());
  Dice dice(kShapesSeed + 4);
  const Case plain = make_plain_case(op.name, dice);
  const std::vector<TensorType> taken = types_of(plain.inputs);
  for (size_t i = 0; i < taken.size(); ++i) {
    for (const ElementType element : kElementTypes) {
      std::vector<TensorType> types = taken;
      types[i].element = element;
      const auto results = infer_types(op, types, plain.attributes);
      if (results) continue;
      const std::string& message = results.error().message;
      SCOPED_TRACE(message + " (operand " + std::to_string(i) + ", " + to_string(types[i]) + ")");
      EXPECT_TRUE(message.starts_with(op.name));
      EXPECT_NE(message.find(to_string(types[i])), std::string::npos);
      EXPECT_NE(message.find("cast"), std::string::npos);
      EXPECT_TRUE(results.error().input.has_value());
    }
  }
}

Tensor rows_of(const Tensor& tensor, const RowRange& rows) {
  Tensor part = zeros(type_of_rows(tensor.type, rows));
  const int64_t begin = row_offset_bytes(tensor.type, rows.begin);
  std::copy_n(tensor.data.begin() + begin, part.data.size(), part.data.begin());
  return part;
}

std::vector<std::string_view> names_of_ops_with_row_rules() {
  std::vector<std::string_view> names;
  for (const OpInfo& op : all_ops()) {
    if (op.row_rule != nullptr && !op.is_composite()) names.push_back(op.name);
  }
  return names;
}

class RowsAlone : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Operators, RowsAlone, testing::ValuesIn(names_of_ops_with_row_rules()),
                         [](const auto& test) { return std::string(test.param); });

// What the row rule promises: the operator, applied to those parts of its operands.
TEST_P(RowsAlone, AreThoseOfTheWholeResult) {
  const OpInfo& op = *find_op(GetParam());
  Dice dice(kShapesSeed + 3);
  int num_divided = 0;
  for (int i = 0; i < kCasesPerOperator; ++i) {
    const Case tested = make_case(op.name, dice);
    const Tensor whole = run_cpu(op.name, tested.inputs, tested.attributes);
    const auto uses = row_uses(op, types_of(tested.inputs), whole.type, tested.attributes);
    if (uses.empty()) continue;
    const int64_t begin = dice.between(0, whole.type.shape[0] - 1);
    const RowRange rows{begin, dice.between(begin + 1, whole.type.shape[0])};
    std::vector<Tensor> inputs = tested.inputs;
    for (size_t operand = 0; operand < inputs.size(); ++operand) {
      if (uses[operand] == RowUse::kSame) inputs[operand] = rows_of(inputs[operand], rows);
    }
    ASSERT_TRUE(same(run_cpu(op.name, inputs, tested.attributes), rows_of(whole, rows), 2e-6))
        << describe(op.name, tested) << ", rows " << rows.begin << " to " << rows.end;
    ++num_divided;
  }
  EXPECT_GT(num_divided, 0);
}

}  // namespace
}  // namespace graphrt
