#include "compiler/autodiff/differentiate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/autodiff/gradient_rules.h"
#include "compiler/frontend/parse_graph.h"
#include "compiler/graph/print_graph.h"
#include "runtime/kernels/reference/reference_executor.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Not;

Graph derive(const std::string& text) {
  const auto file = std::make_shared<const SourceFile>(SourceFile{"test.graph", text});
  DiagnosticSink sink;
  const Result<GraphRequest> request = parse_graph(file, sink);
  CHECK(request.has_value(), sink.render_all());
  Result<Graph> graph = request->forward;
  if (request->training) graph = differentiate(*std::move(graph), *request->training, sink);
  CHECK(graph.has_value(), sink.render_all());
  CHECK(!verify_graph(*graph), *verify_graph(*graph));
  return *std::move(graph);
}

ReferenceExecutor executor_for(const Graph& graph) {
  Result<ReferenceExecutor> executor = ReferenceExecutor::create(to_source_graph(graph));
  CHECK(executor.has_value(), executor ? "" : executor.error().message);
  return *std::move(executor);
}

void step(ReferenceExecutor& executor, const std::map<std::string, Tensor>& inputs = {}) {
  const Result<void> done = executor.step(inputs);
  CHECK(done.has_value(), done ? "" : done.error().message);
}

std::vector<float> state(const ReferenceExecutor& executor, const std::string& name) {
  const auto elements = executor.find_state(name)->as<float>();
  return {elements.begin(), elements.end()};
}

std::vector<float> value(const ReferenceExecutor& executor, const std::string& name) {
  const auto elements = executor.find_value(name)->as<float>();
  return {elements.begin(), elements.end()};
}

TEST(GradientRules, AreForOperatorsOfTheTable) {
  for (const GradientRow& row : all_gradient_rules()) {
    EXPECT_NE(find_op(row.op), nullptr) << row.op;
    EXPECT_EQ(find_gradient_rule(row.op), row.rule) << row.op;
  }
  EXPECT_EQ(find_gradient_rule("argmax"), nullptr);
  EXPECT_EQ(find_gradient_rule("no_such_operator"), nullptr);
}

constexpr const char* kForward =
    "graph mlp\n"
    "input %x : f32[10, 6]\n"
    "input %label : i32[10]\n"
    "state %w1 : f32[6, 8] init he_normal(seed=1)\n"
    "state %w2 : f32[8, 4] init he_normal(seed=2)\n"
    "%fc1 = matmul(%x, %w1)\n"
    "%h1 = relu(%fc1)\n"
    "%fc2 = matmul(%h1, %w2)\n"
    "%loss = softmax_cross_entropy(%fc2, %label)\n"
    "output %loss\n";
constexpr const char* kBackward =
    "%ograd2 = softmax_cross_entropy_grad(%fc2, %label)\n"
    "%wgrad2 = matmul(%h1, %ograd2) {transpose_a = true}\n"
    "%hgrad = matmul(%ograd2, %w2) {transpose_b = true}\n"
    "%ograd1 = relu_grad(%hgrad, %h1)\n"
    "%wgrad1 = matmul(%x, %ograd1) {transpose_a = true}\n"
    "%w2_new = sgd_update(%w2, %wgrad2) {learning_rate = 0.5} updates %w2\n"
    "%w1_new = sgd_update(%w1, %wgrad1) {learning_rate = 0.5} updates %w1\n";

// The same operators on the same operands: the numbers are the same to the bit.
TEST(Differentiate, TrainsAsTheBackwardPassWrittenByHandOver200Steps) {
  ReferenceExecutor derived =
      executor_for(derive(std::string(kForward) + "train %loss sgd(learning_rate=0.5)\n"));
  ReferenceExecutor written = executor_for(derive(std::string(kForward) + kBackward));
  std::minstd_rand random(1);
  float first_loss = 0;
  for (int i = 0; i < 200; ++i) {
    Tensor x = zeros({ElementType::kF32, {10, 6}});
    Tensor label = zeros({ElementType::kI32, {10}});
    for (float& element : x.as<float>()) element = static_cast<float>(random() % 100) / 100;
    for (size_t row = 0; row < 10; ++row) {
      label.as<int32_t>()[row] = x.as<float>()[6 * row] < 0.5F ? 0 : 3;
    }
    const std::map<std::string, Tensor> inputs = {{"x", x}, {"label", label}};
    step(derived, inputs);
    step(written, inputs);
    ASSERT_EQ(*derived.find_value("loss"), *written.find_value("loss")) << "step " << i;
    if (i == 0) first_loss = value(derived, "loss")[0];
  }
  EXPECT_EQ(*derived.find_state("w1"), *written.find_state("w1"));
  EXPECT_LT(value(derived, "loss")[0], first_loss / 2);
}

// Where several elements are the largest, each has an equal share.
TEST(Differentiate, DividesTheGradientOfAMaximumAmongEquals) {
  ReferenceExecutor executor =
      executor_for(derive("graph g\n"
                          "state %w : f32[2, 3] init [[1, 2, 2], [5, 4, 3]]\n"
                          "constant %c : f32[2] = [1, 10]\n"
                          "%m = max(%w) {axes = [1]}\n"
                          "%y = mul(%m, %c)\n"
                          "%loss = sum(%y)\n"
                          "train %loss sgd(learning_rate=1)\n"));
  step(executor);
  EXPECT_THAT(value(executor, "grad.w"), ElementsAre(0, 0.5F, 0.5F, 10, 0, 0));
}

// L = sum(w * w + 3 w): 2 w + 3, of which one part is a number and needs no node of its own.
TEST(Differentiate, AddsUpWhatComesThroughEveryReader) {
  const Graph graph = derive(
      "graph g\n"
      "state %w : f32[3] init [1, 2, -4]\n"
      "%square = mul(%w, %w)\n"
      "%triple = scale(%w) {factor = 3.0}\n"
      "%y = add(%square, %triple)\n"
      "%loss = sum(%y)\n"
      "train %loss sgd(learning_rate=0.5)\n");
  ReferenceExecutor executor = executor_for(graph);
  step(executor);
  EXPECT_THAT(value(executor, "grad.w"), ElementsAre(5, 7, -5));
  EXPECT_THAT(state(executor, "w"), ElementsAre(-1.5F, -1.5F, -1.5F));
}

// Of w1 alone: no gradient by w2, nor by the input, and nothing behind the loss.
TEST(Differentiate, ComputesNothingThatNoParameterNeeds) {
  const Graph graph = derive(std::string(kForward) +
                             "%best = argmax(%fc2)\n"
                             "output %best\n"
                             "train %loss sgd(learning_rate=0.5) of %w2\n");
  const std::string text = print_graph(graph);
  EXPECT_THAT(text, HasSubstr("%grad.w2 = "));
  EXPECT_THAT(text, Not(HasSubstr("%grad.w1 = ")));
  EXPECT_THAT(text, Not(HasSubstr("%grad.h1 = ")));
  EXPECT_THAT(text, Not(HasSubstr("%grad.x = ")));
  EXPECT_EQ(graph.nodes.size(), 5U + 3U);  // the forward pass; two gradients, one update
}

TEST(Differentiate, PointsAtTheNodeThatADerivedOneBelongsTo) {
  const Graph graph = derive(std::string(kForward) + "train %loss sgd(learning_rate=0.5)\n");
  for (const Node& node : graph.nodes) {
    ASSERT_NE(node.where.file, nullptr) << node.name;
    const bool is_gradient = node.name == "grad.fc1";  // by the rule of h1 = relu(fc1)
    const bool is_update = node.name == "w1.new";      // of the state w1
    if (!is_gradient && !is_update) continue;
    EXPECT_EQ(node.where.line, is_gradient ? 7 : 4) << node.name;
  }
}

TEST(Differentiate, RunsGradientsAndUpdatesWhereTheirNodesArePinned) {
  const Graph graph = derive(
      "graph g\n"
      "state %w : f32[3] init zeros\n"
      "state %v : f32[3] init zeros\n"
      "%a = tanh(%w) device gpu0\n"
      "%b = tanh(%v) device gpu0\n"
      "%c = sigmoid(%v) device gpu1\n"
      "%ab = add(%a, %b)\n"
      "%abc = add(%ab, %c)\n"
      "%loss = sum(%abc)\n"
      "train %loss momentum(learning_rate=0.5)\n");
  const auto device_of = [&](const std::string& name) {
    for (const Node& node : graph.nodes) {
      if (node.name == name) return node.device.value_or("anywhere");
    }
    return std::string("not there");
  };
  EXPECT_EQ(device_of("grad.w"), "gpu0");
  EXPECT_EQ(device_of("w.momentum.new"), "gpu0");
  EXPECT_EQ(device_of("w.new"), "gpu0");
  EXPECT_EQ(device_of("grad.v.b"), "gpu0");
  EXPECT_EQ(device_of("grad.v.c"), "gpu1");
  EXPECT_EQ(device_of("grad.v"), "anywhere");  // its parts are on two devices
  EXPECT_EQ(device_of("v.new"), "anywhere");
}

TEST(Differentiate, TakesNamesThatAreFree) {
  const Graph graph = derive(
      "graph g\n"
      "state %w : f32[3] init zeros\n"
      "state %w.m : f32[3] init zeros\n"
      "%y = tanh(%w)\n"
      "%grad.w = mul(%y, %w.m)\n"
      "%loss = sum(%grad.w)\n"
      "train %loss adam(learning_rate=0.5) of %w\n");
  const std::string text = print_graph(graph);
  EXPECT_THAT(text, HasSubstr("%grad.w_2 = "));
  EXPECT_THAT(text, HasSubstr("state %w.m_2 : f32[3] init zeros\n"));
}

/// L = sum(w c), so the gradient is c in every step.
std::string linear(const std::string& train) {
  return "graph g\n"
         "state %w : f32[2] init [1, -2]\n"
         "constant %c : f32[2] = [3, -4]\n"
         "%y = mul(%w, %c)\n"
         "%loss = sum(%y)\n"
         "train %loss " +
         train + "\n";
}

TEST(Optimizers, SgdDecaysWeights) {
  ReferenceExecutor executor =
      executor_for(derive(linear("sgd(learning_rate=0.5, weight_decay=0.1)")));
  step(executor);
  // w - 0.5 (g + 0.1 w)
  EXPECT_THAT(state(executor, "w"), ElementsAre(FloatNear(-0.55F, 1e-6F), FloatNear(0.1F, 1e-6F)));
}

TEST(Optimizers, MomentumCollectsGradientAndDecay) {
  ReferenceExecutor executor =
      executor_for(derive(linear("momentum(learning_rate=0.1, momentum=0.5, weight_decay=0.1)")));
  double w = 1;
  double velocity = 0;
  for (int i = 0; i < 3; ++i) {
    step(executor);
    velocity = 0.5 * velocity + 3 + 0.1 * w;
    w -= 0.1 * velocity;
    EXPECT_THAT(state(executor, "w")[0], FloatNear(static_cast<float>(w), 1e-6F));
  }
  EXPECT_THAT(state(executor, "w.momentum")[0], FloatNear(static_cast<float>(velocity), 1e-6F));
}

// The formulas of the paper (Kingma and Ba, algorithm 1), with the decay of Loshchilov and Hutter.
TEST(Optimizers, AdamWFollowsThePaper) {
  ReferenceExecutor executor = executor_for(
      derive(linear("adamw(learning_rate=0.1, beta1=0.5, beta2=0.75, weight_decay=0.2)")));
  double w = 1;
  double m = 0;
  double v = 0;
  for (int t = 1; t <= 4; ++t) {
    step(executor);
    m = 0.5 * m + 0.5 * 3;
    v = 0.75 * v + 0.25 * 9;
    const double m_hat = m / (1 - std::pow(0.5, t));
    const double v_hat = v / (1 - std::pow(0.75, t));
    w -= 0.1 * (m_hat / (std::sqrt(v_hat) + 1e-8) + 0.2 * w);
    EXPECT_THAT(state(executor, "w")[0], FloatNear(static_cast<float>(w), 1e-5F)) << "step " << t;
  }
  EXPECT_EQ(executor.find_state("train.step")->as<int32_t>()[0], 4);
}

TEST(Optimizers, AScheduleGivesTheRateOfEveryStep) {
  ReferenceExecutor executor = executor_for(
      derive(linear("sgd(learning_rate=step(base=0.8, warmup=2, every=2, factor=0.5))")));
  double w = 1;
  for (const double rate : {0.4, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2}) {
    step(executor);
    w -= rate * 3;
    EXPECT_THAT(value(executor, "train.rate"), ElementsAre(FloatEq(static_cast<float>(rate))));
    EXPECT_THAT(state(executor, "w")[0], FloatNear(static_cast<float>(w), 1e-5F));
  }
}

// Two gradients, [3, -4] and [12]: together a norm of 13.
TEST(Clipping, ScalesAllGradientsByTheGlobalNorm) {
  const auto text = [](const std::string& max_norm) {
    return "graph g\n"
           "state %w : f32[2] init zeros\n"
           "state %v : f32[] init zeros\n"
           "constant %c : f32[2] = [3, -4]\n"
           "%y = mul(%w, %c)\n"
           "%s = sum(%y)\n"
           "%t = scale(%v) {factor = 12.0}\n"
           "%loss = add(%s, %t)\n"
           "train %loss sgd(learning_rate=1, clip_norm=" +
           max_norm + ")\n";
  };
  ReferenceExecutor clipped = executor_for(derive(text("6.5")));
  step(clipped);
  EXPECT_THAT(state(clipped, "w"), ElementsAre(FloatEq(-1.5F), FloatEq(2)));
  EXPECT_THAT(state(clipped, "v"), ElementsAre(FloatEq(-6)));
  ReferenceExecutor whole = executor_for(derive(text("14")));
  step(whole);
  EXPECT_THAT(state(whole, "w"), ElementsAre(FloatEq(-3), FloatEq(4)));
}

// Gradients of 5e6 beside a norm of 1e-30, and of 1e-25: f32 holds neither square.
TEST(Clipping, TakesGradientsOfAnySize) {
  for (const std::string exponent : {"e6", "e0", "e-25"}) {
    ReferenceExecutor executor =
        executor_for(derive("graph g\n"
                            "state %w : f32[] init zeros\n"
                            "state %v : f32[] init zeros\n"
                            "%s = scale(%w) {factor = 3.0" +
                            exponent +
                            "}\n"
                            "%t = scale(%v) {factor = 4.0" +
                            exponent +
                            "}\n"
                            "%loss = add(%s, %t)\n"
                            "train %loss sgd(learning_rate=1, clip_norm=1e-30)\n"));
    step(executor);
    EXPECT_THAT(state(executor, "w"), ElementsAre(FloatEq(-0.6e-30F))) << exponent;
    EXPECT_THAT(state(executor, "v"), ElementsAre(FloatEq(-0.8e-30F))) << exponent;
  }
}

}  // namespace
}  // namespace graphc
