// Attention and its gradients: by hand, against finite differences, and the CPU's kernels against
// the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attention_cases.h"
#include "training_cases.h"

namespace graphrt {
namespace {

constexpr uint32_t kAttentionSeed = 20261130;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string describe_attention(std::string_view op, const OperatorUse& use) {
  std::string text(op);
  for (const Tensor& input : use.inputs) text += " " + to_string(input.type);
  for (const Attribute& item : use.attributes) text += " " + item.name + to_string(item.value);
  return text;
}

/// Errors of large sums are measured by the largest element.
double largest_element(const Tensor& tensor) {
  double largest = 1;
  with_float_type(tensor.type.element, [&](auto tag) {
    for (const auto x : tensor.as<typename decltype(tag)::Type>()) {
      const double size = std::abs(static_cast<float>(x));
      if (std::isfinite(size)) largest = std::max(largest, size);
    }
  });
  return largest;
}

void expect_like_reference(std::string_view op, const OperatorUse& use) {
  const std::vector<Tensor> found = run_cpu_for_all(op, use.inputs, use.attributes);
  const std::vector<Tensor> wanted = run_reference_for_all(op, use.inputs, use.attributes);
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    // The CPU rounds to 16 bits once, at the end, which same() allows for.
    constexpr double kTolerance = 2e-6;
    EXPECT_TRUE(same(found[i], wanted[i], kTolerance * largest_element(wanted[i])))
        << describe_attention(op, use) << ", result " << i;
  }
}

TEST(Attention, AgreesWithTheReferenceForRandomShapes) {
  Dice dice(kAttentionSeed);
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE("case " + std::to_string(i) + " of seed " + std::to_string(kAttentionSeed));
    const OperatorUse forward = attention_use(dice);
    expect_like_reference("attention", forward);
    expect_like_reference("attention_grad", attention_grad_of(dice, forward));
    if (HasFailure()) return;
  }
}

// Where the operands lie changes no bit, of the reference neither.
TEST(Attention, OfOneOperandIsThatOfItsParts) {
  Dice dice(kAttentionSeed + 7);
  const Attributes along_heads = with({{"axis", int64_t{2}}});
  for (const ElementType element : {ElementType::kF32, ElementType::kBF16, ElementType::kF16}) {
    const AttentionShape shape = {2, 70, 70, 2, 3, 12, 12};
    const OperatorUse apart =
        attention_of(dice, shape, element, CaseMask::kBool, with({{"causal", true}}));
    const OperatorUse apart_grad = attention_grad_of(dice, apart);
    const OperatorUse joined = packed("attention", apart);
    const OperatorUse joined_grad = packed("attention_grad", apart_grad);
    for (const auto run : {run_cpu_for_all, run_reference_for_all}) {
      EXPECT_EQ(run("packed_attention", joined.inputs, joined.attributes),
                run("attention", apart.inputs, apart.attributes));
      EXPECT_EQ(run("packed_attention_grad", joined_grad.inputs, joined_grad.attributes),
                std::vector{run_reference(
                    "concat", run("attention_grad", apart_grad.inputs, apart_grad.attributes),
                    along_heads)});
    }
  }
}

TEST(Attention, AgreesWithTheReferenceOverSeveralTiles) {
  Dice dice(kAttentionSeed + 1);
  for (const AttentionCase& tested : large_attention_cases(dice)) {
    expect_like_reference(tested.op, tested.use);
  }
}

TEST(Attention, GivesTheSameBitsEveryTime) {
  Dice dice(kAttentionSeed + 2);
  for (const AttentionCase& tested : large_attention_cases(dice)) {
    const auto& [inputs, attributes] = tested.use;
    EXPECT_EQ(run_cpu_for_all(tested.op, inputs, attributes),
              run_cpu_for_all(tested.op, inputs, attributes));
  }
}

Tensor rows_of_batch(const Tensor& tensor, const RowRange& rows) {
  Tensor part = zeros(type_of_rows(tensor.type, rows));
  const int64_t begin = row_offset_bytes(tensor.type, rows.begin);
  std::copy_n(tensor.data.begin() + begin, part.data.size(), part.data.begin());
  return part;
}

// What the row rule promises, of all results.
TEST(Attention, ComputesPartsOfABatchAlone) {
  Dice dice(kAttentionSeed + 3);
  for (const CaseMask mask : {CaseMask::kNone, CaseMask::kBool, CaseMask::kF32}) {
    for (const bool is_backward : {false, true}) {
      const std::string_view op = is_backward ? "attention_grad" : "attention";
      OperatorUse whole = attention_of(dice, {5, 33, 40, 2, 2, 8, 6}, ElementType::kF32, mask,
                                       with({{"causal", true}}));
      if (is_backward) whole = attention_grad_of(dice, whole);
      const auto types = result_types(op, whole.inputs, whole.attributes);
      const auto uses = row_uses(*find_op(op), types_of(whole.inputs), types[0], whole.attributes);
      const RowRange rows{1, 4};
      OperatorUse part = whole;
      for (size_t i = 0; i < part.inputs.size(); ++i) {
        if (uses[i] == RowUse::kSame) part.inputs[i] = rows_of_batch(whole.inputs[i], rows);
      }
      const auto wanted = run_cpu_for_all(op, whole.inputs, whole.attributes);
      const auto found = run_cpu_for_all(op, part.inputs, part.attributes);
      for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], rows_of_batch(wanted[i], rows));
    }
  }
}

// Two queries, three keys: by hand.
TEST(Attention, IsASoftmaxOfProductsTimesValues) {
  const float two = std::log(2.0F);
  OperatorUse use{
      {tensor_of<float>({1, 2, 1, 1}, {1, two}), tensor_of<float>({1, 3, 1, 1}, {0, 1, 2}),
       tensor_of<float>({1, 3, 1, 2}, {7, 0, 0, 14, 7, 7})},
      with({{"scale", 1.0}})};
  const Tensor truth = tensor_of<Bool>(
      {2, 3}, {Bool(false), Bool(false), Bool(true), Bool(true), Bool(true), Bool(true)});
  use.inputs.push_back(truth);
  // The second query weighs 1, 2 and 4 sevenths.
  const Tensor wanted = tensor_of<float>({1, 2, 1, 2}, {7, 7, 5, 8});
  const Tensor log_sums = tensor_of<float>({1, 1, 2}, {2, std::log(7.0F)});
  for (const auto& results : {run_reference_for_all("attention", use.inputs, use.attributes),
                              run_cpu_for_all("attention", use.inputs, use.attributes)}) {
    EXPECT_TRUE(same(results[0], wanted, 1e-6));
    EXPECT_TRUE(same(results[1], log_sums, 1e-6));
  }
}

TEST(Attention, ACausalQuerySeesTheKeysUpToItsOwnFromTheEnd) {
  // All scores are equal: the mean of the values that are seen.
  for (const auto& [num_queries, wanted] :
       std::vector<std::pair<int64_t, std::vector<float>>>{{2, {1.5F, 2}}, {4, {0, 1, 1.5F, 2}}}) {
    const OperatorUse use{
        {zeros({ElementType::kF32, {1, num_queries, 1, 1}}),
         zeros({ElementType::kF32, {1, 3, 1, 1}}), tensor_of<float>({1, 3, 1, 1}, {1, 2, 3})},
        with({{"causal", true}})};
    for (const auto& results : {run_reference_for_all("attention", use.inputs, use.attributes),
                                run_cpu_for_all("attention", use.inputs, use.attributes)}) {
      EXPECT_TRUE(same(results[0], tensor_of<float>({1, num_queries, 1, 1}, wanted), 1e-6));
      EXPECT_EQ(results[1].as<float>()[0], num_queries == 4 ? -kInfinity : std::log(2.0F));
    }
  }
}

TEST(Attention, KeepsItsDigitsBesideHugeScores) {
  OperatorUse use{{tensor_of<float>({1, 1, 1, 1}, {1}),
                   tensor_of<float>({1, 4, 1, 1}, {1e30F, 1e30F, -1e30F, 0}),
                   tensor_of<float>({1, 4, 1, 1}, {1, 3, 500, 700})},
                  {}};
  use.inputs.push_back(tensor_of<float>({4}, {0, 0, 0, -kInfinity}));
  OperatorUse backward{
      {tensor_of<float>({1, 1, 1, 1}, {1}), use.inputs[0], use.inputs[1], use.inputs[2],
       tensor_of<float>({1, 1, 1, 1}, {2}), tensor_of<float>({1, 1, 1}, {1e30F}), use.inputs[3]},
      {}};
  for (const auto& results : {run_reference_for_all("attention", use.inputs, use.attributes),
                              run_cpu_for_all("attention", use.inputs, use.attributes)}) {
    EXPECT_EQ(results[0].as<float>()[0], 2);
    EXPECT_EQ(results[1].as<float>()[0], 1e30F);
  }
  // What is seen in full and equally: weights of exp(score - log_sum) = 1.
  for (const auto& results :
       {run_reference_for_all("attention_grad", backward.inputs, backward.attributes),
        run_cpu_for_all("attention_grad", backward.inputs, backward.attributes)}) {
    EXPECT_EQ(results[1], tensor_of<float>({1, 4, 1, 1}, {-1, 1, 0, 0}));
    EXPECT_EQ(results[2], tensor_of<float>({1, 4, 1, 1}, {1, 1, 0, 0}));
  }
}

TEST(Attention, AQueryThatSeesNothingGivesZerosAndTakesNoGradient) {
  const Tensor three = tensor_of<float>({1, 1, 1, 1}, {3});
  for (const Tensor& mask :
       {tensor_of<Bool>({1}, {Bool(false)}), tensor_of<float>({}, {-kInfinity})}) {
    const OperatorUse use{{three, three, three, mask}, {}};
    const Tensor zero = tensor_of<float>({1, 1, 1, 1}, {0});
    const OperatorUse backward{
        {three, three, three, three, zero, tensor_of<float>({1, 1, 1}, {-kInfinity}), mask}, {}};
    for (const auto& results : {run_reference_for_all("attention", use.inputs, use.attributes),
                                run_cpu_for_all("attention", use.inputs, use.attributes)}) {
      EXPECT_EQ(results[0], zero);
      EXPECT_EQ(results[1].as<float>()[0], -kInfinity);
    }
    for (const auto& results :
         {run_reference_for_all("attention_grad", backward.inputs, backward.attributes),
          run_cpu_for_all("attention_grad", backward.inputs, backward.attributes)}) {
      for (const Tensor& result : results) EXPECT_EQ(result, zero);
    }
  }
}

/// What the gradients are of: the sum of results, each with its weight.
double weighted_total(const OperatorUse& use, const Tensor& weights) {
  const Tensor result = run_reference_for_all("attention", use.inputs, use.attributes)[0];
  double total = 0;
  for (size_t i = 0; i < weights.as<float>().size(); ++i) {
    total += static_cast<double>(weights.as<float>()[i]) * result.as<float>()[i];
  }
  return total;
}

TEST(Attention, TheReferencesGradientsAreThoseOfFiniteDifferences) {
  Dice dice(kAttentionSeed + 4);
  for (const CaseMask mask : {CaseMask::kNone, CaseMask::kBool, CaseMask::kF32}) {
    OperatorUse forward = attention_of(dice, {2, 4, 5, 2, 2, 3, 2}, ElementType::kF32, mask,
                                       with({{"causal", true}, {"scale", 0.25}}));
    const OperatorUse backward = attention_grad_of(dice, forward);
    const std::vector<Tensor> gradients =
        run_reference_for_all("attention_grad", backward.inputs, backward.attributes);
    for (size_t operand = 0; operand < gradients.size(); ++operand) {
      for (size_t i = 0; i < gradients[operand].as<float>().size(); ++i) {
        constexpr float kStep = 0x1p-7F;
        float& x = forward.inputs[operand].as<float>()[i];
        const float before = x;
        x = before + kStep;
        const double above = weighted_total(forward, backward.inputs[0]);
        x = before - kStep;
        const double below = weighted_total(forward, backward.inputs[0]);
        x = before;
        const double slope = (above - below) / (2 * double{kStep});
        EXPECT_NEAR(gradients[operand].as<float>()[i], slope, 1e-3 * (1 + std::abs(slope)))
            << "operand " << operand << ", element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace graphrt
