#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/op/element_function.h"
#include "runtime/op/op_table.h"
#include "tests/conformance/back_ends.h"

namespace graphrt {
namespace {

/// One way to use an operator.
struct OperatorCase {
  std::string op;
  std::vector<TensorType> inputs;
  Attributes attributes;
};

TensorType f32(Shape shape) { return {ElementType::kF32, std::move(shape)}; }
TensorType i32(Shape shape) { return {ElementType::kI32, std::move(shape)}; }

Attributes with(std::vector<std::pair<std::string, AttributeValue>> values) {
  Attributes attributes;
  for (auto& [name, value] : values) attributes.set(name, std::move(value));
  return attributes;
}

/// Of all but element functions.
std::vector<OperatorCase> cases_by_hand() {
  const TensorType a = f32({3, 5});
  const TensorType truth{ElementType::kBool, {3, 5}};
  const TensorType heads = f32({2, 3, 4, 5});
  const TensorType key_heads = f32({2, 3, 2, 5});
  const TensorType truth_of_keys{ElementType::kBool, {3}};
  return {
      {"accuracy", {a, i32({3})}, {}},
      {"accuracy", {a, i32({3})}, with({{"ignore_index", int64_t{1}}})},
      {"adam_step", {a, a, a, a, i32({})}, with({{"learning_rate", 0.1}})},
      {"adam_update", {a, a, a, i32({})}, with({{"learning_rate", 0.1}})},
      {"adam_update", {a, a, a, i32({}), f32({})}, with({{"weight_decay", 0.1}})},
      {"add", {a, f32({5})}, {}},
      {"add", {i32({3, 5}), i32({3, 1})}, {}},
      {"argmax", {a}, {}},
      {"attention", {heads, key_heads, key_heads}, with({{"causal", true}})},
      {"attention", {heads, key_heads, key_heads, truth_of_keys}, {}},
      {"attention_grad",
       {heads, heads, key_heads, key_heads, heads, f32({2, 4, 3}), f32({3})},
       with({{"scale", 0.125}})},
      {"packed_attention", {f32({2, 3, 8, 5})}, with({{"key_heads", int64_t{2}}})},
      {"packed_attention", {f32({2, 3, 4, 5}), truth_of_keys}, with({{"key_heads", int64_t{1}}})},
      {"packed_attention_grad",
       {heads, f32({2, 3, 8, 5}), heads, f32({2, 4, 3}), f32({3})},
       with({{"key_heads", int64_t{2}}, {"scale", 0.125}})},
      {"binary_cross_entropy", {a, a}, {}},
      {"binary_cross_entropy_grad", {a, a}, with({{"scale", 0.25}})},
      {"binary_cross_entropy_grad", {a, a, f32({})}, with({{"scale", 0.25}})},
      {"broadcast", {f32({3, 1})}, with({{"shape", std::vector<int64_t>{2, 3, 5}}})},
      {"clip_factor", {f32({})}, with({{"max_norm", 0.5}})},
      {"clip_factor", {f32({})}, with({{"max_norm", 0.5}, {"of_norm", true}})},
      {"cast", {a}, with({{"to", "i64"}})},
      {"concat", {a, f32({2, 5})}, with({{"axis", int64_t{0}}})},
      {"copy", {a}, {}},
      {"count_step", {i32({}), f32({})}, {}},
      {"div", {a, f32({})}, {}},
      {"dropout", {a, i32({})}, with({{"rate", 0.3}, {"seed", int64_t{7}}})},
      {"elementwise",
       {a, f32({5}), f32({})},
       with({{"formula", "mul(x2, relu(sub(x1, log(x0))))"}})},
      {"embedding", {a, i32({2, 4})}, {}},
      {"embedding_grad", {f32({2, 4, 5}), i32({2, 4})}, with({{"rows", int64_t{3}}})},
      {"equal", {i32({3, 5}), i32({3, 1})}, {}},
      {"hypot", {a, f32({5})}, {}},
      {"layer_norm", {a, f32({5}), f32({5})}, {}},
      {"layer_norm_grad", {a, a, f32({5})}, {}},
      {"layer_norm_grad", {a, a, f32({5}), a}, {}},
      {"layer_norm_scale_grad", {a, a}, {}},
      {"learning_rate", {i32({})}, with({{"base", 0.1}, {"cosine_steps", int64_t{4}}})},
      {"greater", {a, f32({5})}, {}},
      {"greater_equal", {a, a}, {}},
      {"less", {a, a}, {}},
      {"less_equal", {a, a}, {}},
      {"logical_and", {truth, truth}, {}},
      {"logical_not", {truth}, {}},
      {"logical_or", {truth, truth}, {}},
      {"matmul", {a, f32({5, 4})}, {}},
      {"matmul", {f32({5, 3}), f32({4, 5})}, with({{"transpose_a", true}, {"transpose_b", true}})},
      {"matmul", {f32({2, 3, 5}), f32({2, 5, 4})}, {}},
      {"matmul", {a, f32({5, 4}), f32({4})}, with({{"relu", true}})},
      {"matmul_sgd_update",
       {f32({3, 4}), f32({5, 3}), f32({5, 4})},
       with({{"learning_rate", 0.1}, {"transpose_a", true}})},
      {"max", {a}, with({{"axes", std::vector<int64_t>{1}}})},
      {"mean", {a}, {}},
      {"momentum_update", {a, a}, with({{"momentum", 0.9}})},
      {"momentum_update",
       {a, a, a, f32({})},
       with({{"momentum", 0.9}, {"scaled", true}, {"weight_decay", 0.1}})},
      {"moving_average", {a, a}, with({{"decay", 0.9}})},
      {"moving_average", {a, a, f32({})}, with({{"decay", 0.9}, {"scaled", true}})},
      {"moving_average_of_squares", {a, a}, with({{"decay", 0.99}})},
      {"mse", {a, a}, {}},
      {"mse_grad", {a, a}, {}},
      {"norm", {a}, {}},
      {"not_equal", {a, a}, {}},
      {"pad", {a}, with({{"axis", int64_t{1}}, {"before", int64_t{2}}, {"after", int64_t{1}}})},
      {"reshape", {a}, with({{"shape", std::vector<int64_t>{5, 3}}})},
      {"rms_norm", {a, f32({5})}, {}},
      {"rms_norm_grad", {a, a, f32({5})}, {}},
      {"rms_norm_scale_grad", {a, a}, {}},
      {"scale", {a}, with({{"factor", 0.5}})},
      {"select", {truth, a, f32({5})}, {}},
      {"sgd_update", {a, a}, with({{"learning_rate", 0.1}})},
      {"sgd_update", {a, a, f32({})}, with({{"weight_decay", 0.1}})},
      {"sgd_update", {a, a, f32({}), f32({})}, with({{"scaled", true}})},
      {"sgd_update", {a, a, f32({}), f32({})}, with({{"scaled", true}, {"skips", true}})},
      {"streak_update", {i32({}), f32({})}, {}},
      {"unscale_factor", {f32({}), f32({})}, with({{"max_norm", 0.5}})},
      {"loss_scale_update", {f32({}), i32({}), f32({})}, {}},
      {"slice", {a}, with({{"axis", int64_t{1}}, {"begin", int64_t{1}}, {"end", int64_t{4}}})},
      {"softmax", {a}, {}},
      {"softmax", {f32({2, 3, 5})}, with({{"causal", true}})},
      {"softmax_cross_entropy", {a, i32({3})}, {}},
      {"softmax_cross_entropy",
       {a, i32({3})},
       with({{"ignore_index", int64_t{1}}, {"label_smoothing", 0.125}})},
      {"softmax_cross_entropy",
       {a, i32({3})},
       with({{"ignore_index", int64_t{1}}, {"reduction", "sum"}})},
      {"softmax_cross_entropy_grad", {a, i32({3})}, {}},
      {"softmax_cross_entropy_grad",
       {a, i32({3}), f32({})},
       with({{"ignore_index", int64_t{1}}, {"label_smoothing", 0.125}})},
      {"softmax_grad", {a, a}, {}},
      {"sum", {a}, with({{"axes", std::vector<int64_t>{0}}, {"keepdims", true}})},
      {"sum_of_squares", {a}, {}},
      {"transpose", {a}, {}},
  };
}

/// The same use with another type for f32 operands, from number `first` to `last`.
OperatorCase in_element(OperatorCase use, ElementType element, size_t first, size_t last) {
  for (size_t i = first; i <= last && i < use.inputs.size(); ++i) {
    TensorType& type = use.inputs[i];
    if (type.element == ElementType::kF32) type.element = element;
  }
  return use;
}

bool is_taken(const OperatorCase& use) {
  return infer_types(*find_op(use.op), use.inputs, use.attributes).has_value();
}

/// The uses by hand with floats of 16 bits: for all operands, or for the second, a gradient; and
/// with labels and indices of 64.
std::vector<OperatorCase> cases_of_other_elements() {
  std::vector<OperatorCase> cases;
  for (const OperatorCase& use : cases_by_hand()) {
    for (const ElementType element : {ElementType::kBF16, ElementType::kF16}) {
      const OperatorCase all = in_element(use, element, 0, use.inputs.size());
      const OperatorCase second = in_element(use, element, 1, 1);
      if (is_taken(all)) cases.push_back(all);
      if (!is_taken(all) && is_taken(second)) cases.push_back(second);
      OperatorCase asked = all;
      asked.attributes.set("to", std::string("f32"));
      if (use.op != "cast" && is_taken(asked)) cases.push_back(asked);
    }
    OperatorCase wide = use;
    for (TensorType& type : wide.inputs) {
      if (type.element == ElementType::kI32) type.element = ElementType::kI64;
    }
    if (wide.inputs != use.inputs && is_taken(wide)) cases.push_back(wide);
  }
  return cases;
}

std::vector<OperatorCase> operator_cases() {
  const TensorType a = f32({3, 5});
  std::vector<OperatorCase> cases = cases_by_hand();
  for (OperatorCase& use : cases_of_other_elements()) cases.push_back(std::move(use));
  for (const std::string& name : element_function_names()) {
    const OpInfo& op = *find_op(name);
    if (op.attributes.empty()) {
      cases.push_back({name, std::vector<TensorType>(op.min_inputs, a), {}});
    }
  }
  return cases;
}

/// Positive floats, so that logarithm and division are defined; integers 0 .. 2, so that they are
/// labels.
Tensor random_tensor(const TensorType& type, std::mt19937& generator) {
  Tensor tensor = zeros(type);
  with_element_type(type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    std::uniform_real_distribution<float> uniform(0.5F, 2.0F);
    for (T& x : tensor.as<T>()) {
      if constexpr (kIsFloat<T>) {
        x = T(uniform(generator));
      } else {
        x = narrowed<T>(static_cast<int64_t>(generator() % 3));
      }
    }
  });
  return tensor;
}

void expect_near(const Tensor& value, const Tensor& reference) {
  ASSERT_EQ(value.type, reference.type);
  if (!is_float(value.type.element)) {
    EXPECT_EQ(value, reference);
    return;
  }
  with_float_type(value.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    // Rounded to a neighbour.
    const double share = value.type.element == ElementType::kF32    ? 0
                         : value.type.element == ElementType::kBF16 ? 0x1p-7
                                                                    : 0x1p-10;
    for (size_t i = 0; i < value.as<T>().size(); ++i) {
      const auto expected = static_cast<float>(reference.as<T>()[i]);
      // Of a label that names no class.
      if (std::isnan(expected) && std::isnan(static_cast<float>(value.as<T>()[i]))) continue;
      const double size = std::fabs(expected);
      EXPECT_NEAR(static_cast<float>(value.as<T>()[i]), expected,
                  1e-5 * std::max(1.0, size) + share * size)
          << i;
    }
  });
}

class OperatorConformance : public ::testing::TestWithParam<TestedBackEnd> {};
INSTANTIATE_TEST_SUITE_P(BackEnds, OperatorConformance, ::testing::ValuesIn(all_back_ends()),
                         back_end_name);

TEST_P(OperatorConformance, GivesWhatTheReferenceGives) {
  constexpr uint32_t kSeed = 20240607;
  std::mt19937 generator(kSeed);
  for (const OperatorCase& use : operator_cases()) {
    SCOPED_TRACE(use.op + " " + to_string(use.inputs.front()) + ", seed " + std::to_string(kSeed));
    const OpInfo* op = find_op(use.op);
    ASSERT_NE(op, nullptr);
    const auto results = infer_types(*op, use.inputs, use.attributes);
    ASSERT_TRUE(results) << results.error().message;

    const std::unique_ptr<Device> device = GetParam().open("d0");
    KernelBinding binding{.op = use.op, .attributes = &use.attributes, .inputs = {}, .results = {}};
    std::vector<Tensor> values;
    for (const TensorType& type : use.inputs) {
      values.push_back(random_tensor(type, generator));
      binding.inputs.push_back(allocate_slots(*device, type));
      write_tensor(*device, binding.inputs.back(), 0, values.back());
    }
    for (const TensorType& type : *results) {
      binding.results.push_back(allocate_slots(*device, type));
    }
    const int64_t num_bytes =
        scratch_bytes(*op, device->is_host(), use.inputs, *results, use.attributes);
    if (num_bytes > 0) {
      binding.scratch = allocate_slots(*device, {ElementType::kU8, {num_bytes}});
    }
    auto action = device->bind_kernel(binding);
    ASSERT_TRUE(action) << action.error().message;
    ASSERT_TRUE((*action)->run(0));

    std::vector<const Tensor*> operands;
    for (const Tensor& value : values) operands.push_back(&value);
    const std::vector<Tensor> wanted =
        evaluate_reference(use.op, operands, use.attributes, *results);
    for (size_t i = 0; i < wanted.size(); ++i) {
      expect_near(read_tensor(*device, binding.results[i], 0), wanted[i]);
    }
  }
}

TEST(OperatorCases, HaveOperatorsThatAddUpInEveryType) {
  const std::vector<OperatorCase> cases = cases_of_other_elements();
  const auto has = [&](std::string_view op, size_t operand, ElementType element) {
    return std::any_of(cases.begin(), cases.end(), [&](const OperatorCase& use) {
      return use.op == op && use.inputs[operand].element == element;
    });
  };
  for (const ElementType element : {ElementType::kBF16, ElementType::kF16}) {
    for (const std::string_view op :
         {"argmax", "embedding", "layer_norm", "matmul", "norm", "softmax", "sum"}) {
      EXPECT_TRUE(has(op, 0, element)) << op;
    }
    for (const std::string_view op : {"momentum_update", "moving_average", "sgd_update"}) {
      EXPECT_TRUE(has(op, 1, element)) << op;
    }
  }
  EXPECT_TRUE(has("accuracy", 1, ElementType::kI64));
  EXPECT_TRUE(has("embedding_grad", 1, ElementType::kI64));
}

TEST(OperatorCases, CoverTheWholeTable) {
  const std::vector<OperatorCase> cases = operator_cases();
  for (const OpInfo& op : all_ops()) {
    if (op.is_composite()) continue;
    const bool is_covered = std::any_of(cases.begin(), cases.end(),
                                        [&](const OperatorCase& use) { return use.op == op.name; });
    EXPECT_TRUE(is_covered) << op.name;
  }
}

}  // namespace
}  // namespace graphrt
