#include "runtime/kernels/reference/reference_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace graphrt {
namespace {

using testing::HasSubstr;

constexpr SourceValueId kX{0};
constexpr SourceValueId kW{1};
constexpr SourceValueId kC{2};
constexpr SourceValueId kNext{3};
constexpr SourceValueId kY{4};

const TensorType kPair{ElementType::kF32, {2}};

Tensor pair_of(float a, float b) { return tensor_of<float>({2}, {a, b}); }

//   next = w + x    (replaces w at the end of the step)
//   y    = w * c    (reads w from before the step, although it stands after `next`)
SourceGraph counting_graph() {
  SourceGraph graph;
  graph.name = "counting";
  const auto add_value = [&](SourceValueKind kind, const char* name) {
    graph.values.push_back({.kind = kind, .name = name, .type = kPair, .initializer = {}});
  };
  add_value(SourceValueKind::kInput, "x");
  add_value(SourceValueKind::kState, "w");
  add_value(SourceValueKind::kConstant, "c");
  add_value(SourceValueKind::kNode, "next");
  add_value(SourceValueKind::kNode, "y");
  graph.values[kW].initializer.kind = InitializerKind::kConstant;
  graph.values[kW].initializer.low = 1;
  graph.values[kC].initializer.kind = InitializerKind::kData;
  graph.values[kC].initializer.data = pair_of(10, 100).data;
  graph.nodes.push_back(
      {.op = "add", .attributes = {}, .inputs = {kW, kX}, .results = {kNext}, .updates = kW});
  graph.nodes.push_back(
      {.op = "mul", .attributes = {}, .inputs = {kW, kC}, .results = {kY}, .updates = {}});
  graph.outputs = {kY};
  return graph;
}

ReferenceExecutor counting_executor() {
  auto executor = ReferenceExecutor::create(counting_graph());
  EXPECT_TRUE(executor) << executor.error().message;
  return *std::move(executor);
}

TEST(ReferenceExecutor, ReadsStatesFromBeforeTheStep) {
  ReferenceExecutor executor = counting_executor();
  ASSERT_TRUE(executor.step({{"x", pair_of(1, 2)}}));
  EXPECT_EQ(executor.value(kW), pair_of(1, 1));
  EXPECT_EQ(executor.value(kNext), pair_of(2, 3));
  EXPECT_EQ(executor.value(kY), pair_of(10, 100));
  EXPECT_EQ(*executor.find_state("w"), pair_of(2, 3));
  ASSERT_TRUE(executor.step({{"x", pair_of(0, 0)}}));
  EXPECT_EQ(executor.value(kY), pair_of(20, 300));
  EXPECT_EQ(*executor.find_value("y"), pair_of(20, 300));
}

TEST(ReferenceExecutor, StartsFromAGivenState) {
  ReferenceExecutor executor = counting_executor();
  EXPECT_EQ(*executor.find_state("w"), pair_of(1, 1));
  ASSERT_TRUE(executor.set_state("w", pair_of(5, 6)));
  ASSERT_TRUE(executor.step({{"x", pair_of(0, 1)}}));
  EXPECT_EQ(executor.value(kY), pair_of(50, 600));
  EXPECT_EQ(*executor.find_state("w"), pair_of(5, 7));
}

TEST(ReferenceExecutor, KnowsNoOtherNames) {
  ReferenceExecutor executor = counting_executor();
  EXPECT_EQ(executor.find_value("z"), nullptr);
  EXPECT_EQ(executor.find_state("x"), nullptr);
  EXPECT_EQ(executor.set_state("x", pair_of(0, 0)).error().message, "there is no state 'x'");
  EXPECT_EQ(executor.set_state("w", tensor_of<float>({1}, {0})).error().message,
            "'w' is f32[2]; got f32[1]");
}

TEST(ReferenceExecutor, WantsItsInputs) {
  ReferenceExecutor executor = counting_executor();
  EXPECT_EQ(executor.step({}).error().message, "input 'x' is missing");
  EXPECT_EQ(executor.step({{"x", tensor_of<int32_t>({2}, {1, 2})}}).error().message,
            "'x' is f32[2]; got i32[2]");
  EXPECT_EQ(executor.step({{"x", pair_of(0, 0)}, {"w", pair_of(0, 0)}}).error().message,
            "there is no input 'w'");
}

/// y = x[1, K] times ones, all stored as `element`.
ReferenceExecutor summing_executor(int64_t num_terms, ElementType element) {
  SourceGraph graph;
  graph.name = "summing";
  graph.values.push_back({.kind = SourceValueKind::kInput,
                          .name = "x",
                          .type = {element, {1, num_terms}},
                          .initializer = {}});
  graph.values.push_back({.kind = SourceValueKind::kConstant,
                          .name = "ones",
                          .type = {element, {num_terms, 1}},
                          .initializer = {}});
  graph.values[SourceValueId(1)].initializer.kind = InitializerKind::kConstant;
  graph.values[SourceValueId(1)].initializer.low = 1;
  graph.values.push_back(
      {.kind = SourceValueKind::kNode, .name = "y", .type = {element, {1, 1}}, .initializer = {}});
  graph.nodes.push_back({.op = "matmul",
                         .attributes = {},
                         .inputs = {SourceValueId(0), SourceValueId(1)},
                         .results = {SourceValueId(2)},
                         .updates = {}});
  graph.outputs = {SourceValueId(2)};
  auto executor = ReferenceExecutor::create(std::move(graph));
  EXPECT_TRUE(executor) << executor.error().message;
  return *std::move(executor);
}

/// What y is where every term is `even` or `odd`, in turns, and results are rounded by a seed.
template <class T>
float rounded_sum(int64_t num_terms, float even, float odd, uint32_t seed) {
  constexpr ElementType kElement = ElementTypeOf<T>::kValue;
  Tensor x = zeros({kElement, {1, num_terms}});
  for (size_t i = 0; i < x.as<T>().size(); ++i) x.as<T>()[i] = T(i % 2 == 0 ? even : odd);
  ReferenceExecutor executor = summing_executor(num_terms, kElement);
  executor.round_otherwise(seed);
  EXPECT_TRUE(executor.step({{"x", x}}));
  return static_cast<float>(executor.find_value("y")->as<T>()[0]);
}

template <class T>
class RoundedSums : public testing::Test {};
using SummedFloats = testing::Types<float, BFloat16, Float16>;
TYPED_TEST_SUITE(RoundedSums, SummedFloats);

// Half of the terms are 1000, the others -1000.
TYPED_TEST(RoundedSums, WhoseTermsCancelAreRoundedByAShareOfThem) {
  constexpr int64_t kNumTerms = 8192;
  float largest = 0;
  for (uint32_t seed = 0; seed < 8; ++seed) {
    const float y = rounded_sum<TypeParam>(kNumTerms, 1000, -1000, seed);
    largest = std::max(largest, std::fabs(y));
  }
  EXPECT_GT(largest, 1);
  EXPECT_LT(largest, 3 * 0x1p-22 * 1000 * kNumTerms);
}

// 1000 of 8 bits is a multiple of 4, of 11 bits one of 0.5.
TEST(RoundedSumsOfShortElements, AreRoundedToNeighbours) {
  std::set<float> of_8_bits;
  std::set<float> of_11_bits;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    of_8_bits.insert(rounded_sum<BFloat16>(2, 500, 500, seed));
    of_11_bits.insert(rounded_sum<Float16>(2, 500, 500, seed));
  }
  EXPECT_EQ(of_8_bits, (std::set<float>{996, 1000, 1004}));
  EXPECT_EQ(of_11_bits, (std::set<float>{999.5F, 1000, 1000.5F}));
}

using Change = void (*)(SourceGraph&);

std::string message_after(Change change) {
  SourceGraph graph = counting_graph();
  change(graph);
  const auto executor = ReferenceExecutor::create(std::move(graph));
  return executor ? "no error" : executor.error().message;
}

TEST(ReferenceExecutor, RefusesGraphsThatDoNotFitTogether) {
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].op = "convolve"; }),
            "node 'next': there is no operator 'convolve'");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].inputs.pop_back(); }),
            "node 'next': add takes 2 inputs; got 1");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].inputs[0] = SourceValueId(9); }),
            "node 'next': an operand does not exist");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].inputs[0] = kY; }),
            "'y' is read before it is computed");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[1].results = {kNext}; }),
            "'next' is computed twice");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[1].results = {SourceValueId(9)}; }),
            "a node has no result");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.values[kY].type.shape = {3}; }),
            "node 'y': mul gives f32[2]; the result has f32[3]");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].updates = kX; }),
            "node 'next': it updates 'x', which is no state");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].updates = SourceValueId(9); }),
            "node 'next': it updates what does not exist");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.nodes[0].more_updates = {kW}; }),
            "node 'next': it updates states with some of its results");
  EXPECT_EQ(message_after([](SourceGraph& g) { g.values[kX].type.shape = {0}; }),
            "'x' has no valid type");
  EXPECT_THAT(message_after([](SourceGraph& g) {
                g.values[kC].initializer.data = std::vector<std::byte>(7);
              }),
              HasSubstr("has 7 bytes; f32[2] takes 8"));
}

}  // namespace
}  // namespace graphrt
