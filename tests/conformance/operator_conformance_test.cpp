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
  return {
      {"accuracy", {a, i32({3})}, {}},
      {"adam_update", {a, a, a, i32({})}, with({{"learning_rate", 0.1}})},
      {"adam_update", {a, a, a, i32({}), f32({})}, with({{"weight_decay", 0.1}})},
      {"add", {a, f32({5})}, {}},
      {"add", {i32({3, 5}), i32({3, 1})}, {}},
      {"argmax", {a}, {}},
      {"binary_cross_entropy", {a, a}, {}},
      {"binary_cross_entropy_grad", {a, a}, with({{"scale", 0.25}})},
      {"broadcast", {f32({3, 1})}, with({{"shape", std::vector<int64_t>{2, 3, 5}}})},
      {"clip_factor", {f32({})}, with({{"max_norm", 0.5}})},
      {"clip_factor", {f32({})}, with({{"max_norm", 0.5}, {"of_norm", true}})},
      {"cast", {a}, with({{"to", "i64"}})},
      {"concat", {a, f32({2, 5})}, with({{"axis", int64_t{0}}})},
      {"copy", {a}, {}},
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
      {"slice", {a}, with({{"axis", int64_t{1}}, {"begin", int64_t{1}}, {"end", int64_t{4}}})},
      {"softmax", {a}, {}},
      {"softmax", {f32({2, 3, 5})}, with({{"causal", true}})},
      {"softmax_cross_entropy", {a, i32({3})}, {}},
      {"softmax_cross_entropy_grad", {a, i32({3})}, {}},
      {"softmax_grad", {a, a}, {}},
      {"sum", {a}, with({{"axes", std::vector<int64_t>{0}}, {"keepdims", true}})},
      {"sum_of_squares", {a}, {}},
      {"transpose", {a}, {}},
  };
}

std::vector<OperatorCase> operator_cases() {
  const TensorType a = f32({3, 5});
  std::vector<OperatorCase> cases = cases_by_hand();
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
  if (type.element == ElementType::kF32) {
    std::uniform_real_distribution<float> uniform(0.5F, 2.0F);
    for (float& x : tensor.as<float>()) x = uniform(generator);
    return tensor;
  }
  with_element_type(type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    for (T& x : tensor.as<T>()) x = narrowed<T>(static_cast<int64_t>(generator() % 3));
  });
  return tensor;
}

void expect_near(const Tensor& value, const Tensor& reference) {
  ASSERT_EQ(value.type, reference.type);
  if (value.type.element != ElementType::kF32) {
    EXPECT_EQ(value, reference);
    return;
  }
  for (size_t i = 0; i < value.as<float>().size(); ++i) {
    const float expected = reference.as<float>()[i];
    EXPECT_NEAR(value.as<float>()[i], expected, 1e-5 * std::max(1.0F, std::fabs(expected))) << i;
  }
}

class OperatorConformance : public ::testing::TestWithParam<TestedBackEnd> {};
INSTANTIATE_TEST_SUITE_P(BackEnds, OperatorConformance, ::testing::ValuesIn(all_back_ends()),
                         back_end_name);

TEST_P(OperatorConformance, GivesWhatTheReferenceGives) {
  constexpr uint32_t kSeed = 20240607;
  std::mt19937 generator(kSeed);
  for (const OperatorCase& use : operator_cases()) {
    SCOPED_TRACE(use.op + ", seed " + std::to_string(kSeed));
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
