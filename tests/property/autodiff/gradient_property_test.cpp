#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "compiler/autodiff/differentiate.h"
#include "compiler/autodiff/gradient_rules.h"
#include "compiler/frontend/parse_graph.h"
#include "compiler/graph/print_graph.h"
#include "compiler/passes/decompose.h"
#include "runtime/kernels/reference/reference_executor.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "tests/property/autodiff/random_loss.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

constexpr unsigned kGraphsPerRule = sampled(60U);
constexpr unsigned kElementsPerParameter = 6;

/// Parameters are multiples of 1 / 256 and steps are a few of those, so that what is added to an
/// f32 parameter is exactly the step.
constexpr double kGrid = 1.0 / 256;
constexpr double kStep = 4 * kGrid;

/// The reference computes each operator in double and rounds its result to f32. A loss of about 1
/// is then right to about 1e-7 for every operator on the way, its difference quotient over 1 / 32
/// to about 1e-5; the error of the quotient itself is of fourth order in the step.
constexpr double kTolerance = 1e-3;

struct Problem {
  Graph forward;  ///< decomposed, so that all corners can be seen
  Graph derived;
  std::map<std::string, Tensor> inputs = {};
  std::map<std::string, Tensor> parameters = {};
  std::set<std::string> ops = {};  ///< of the graph as it is written
  double loss_scale = 1;           ///< gradients are so many times too large
};

/// Of every second problem: to rules, it is a gradient of the loss that is no constant.
constexpr double kLossScale = 1024;

Tensor random_tensor(const TensorType& type, std::minstd_rand& random) {
  Tensor tensor = zeros(type);
  for (float& element : tensor.as<float>()) {
    element = static_cast<float>((static_cast<double>(random() % 513) - 256) * kGrid);
  }
  return tensor;
}

Problem make_problem(const std::string& text, unsigned seed) {
  const auto file = std::make_shared<const SourceFile>(SourceFile{"random.graph", text});
  DiagnosticSink sink;
  const Result<GraphRequest> request = parse_graph(file, sink);
  CHECK(request.has_value() && request->training, sink.render_all() + text);
  Training training = *request->training;
  const bool is_scaled = seed % 2 == 1;
  if (is_scaled) training.loss_scale = LossScale{.first = kLossScale};
  const Result<Graph> derived = differentiate(request->forward, training, sink);
  CHECK(derived.has_value(), sink.render_all() + text);
  const Violation violation = verify_graph(*derived);
  CHECK(!violation, violation.value_or("") + "\n" + print_graph(*derived));
  Problem problem{decompose(request->forward, sink).value(), *derived};
  if (is_scaled) problem.loss_scale = kLossScale;
  for (const Node& node : request->forward.nodes) problem.ops.emplace(node.op->name);
  std::minstd_rand random(seed + 1);
  for (const Value& value : problem.forward.values) {
    if (value.kind == ValueKind::kInput) {
      problem.inputs.emplace(value.name, random_tensor(value.type, random));
    }
    if (value.kind == ValueKind::kState) {
      problem.parameters.emplace(value.name, random_tensor(value.type, random));
    }
  }
  return problem;
}

ReferenceExecutor run(const Graph& graph, const Problem& problem) {
  Result<ReferenceExecutor> executor = ReferenceExecutor::create(to_source_graph(graph));
  CHECK(executor.has_value(), executor ? "" : executor.error().message);
  for (const auto& [name, value] : problem.parameters) {
    CHECK(executor->set_state(name, value).has_value(), name);
  }
  const Result<void> done = executor->step(problem.inputs);
  CHECK(done.has_value(), done ? "" : done.error().message);
  return *std::move(executor);
}

/// Where elements are positive.
void append_signs(const Tensor& tensor, std::vector<size_t>& way) {
  for (const float x : tensor.as<float>()) way.push_back(x > 0 ? 1 : 0);
}

/// Which way every operator with a corner went: the signs of what relu and abs take, which operand
/// of maximum and minimum is larger, and the order of those of which a max takes the largest.
/// Between points with the same way the loss is smooth.
std::vector<size_t> way_of(const Graph& graph, const ReferenceExecutor& executor) {
  std::vector<size_t> way;
  const auto operand = [&](const Node& node, size_t index) -> const Tensor& {
    return *executor.find_value(graph.values[node.inputs[index]].name);
  };
  for (const Node& node : graph.nodes) {
    if (node.op->name == "relu" || node.attributes.flag("relu")) {
      append_signs(*executor.find_value(node.name), way);
    }
    if (node.op->name == "abs") append_signs(operand(node, 0), way);
    if (node.op->name == "maximum" || node.op->name == "minimum") {
      const std::vector<const Tensor*> operands = {&operand(node, 0), &operand(node, 1)};
      append_signs(graphrt::evaluate_reference("sub", operands, {}, graph.type_of(node.result())),
                   way);
    }
    if (node.op->name == "max") {
      const auto x = operand(node, 0).as<float>();
      std::vector<size_t> order(x.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
      way.insert(way.end(), order.begin(), order.end());
    }
  }
  return way;
}

struct Point {
  double loss;
  std::vector<size_t> way;
};

Point at_offset(Problem& problem, const std::string& parameter, size_t element, double offset) {
  float& number = problem.parameters.at(parameter).as<float>()[element];
  const float before = number;
  number += static_cast<float>(offset);
  const ReferenceExecutor executor = run(problem.forward, problem);
  number = before;
  return {executor.find_value("loss")->as<float>()[0], way_of(problem.forward, executor)};
}

/// How the loss changes with one element: central differences of two widths, combined so that the
/// error of second order cancels out (Richardson). Nothing if there is a corner between the points.
std::optional<double> finite_difference(Problem& problem, const std::string& parameter,
                                        size_t element) {
  const Point far_below = at_offset(problem, parameter, element, -2 * kStep);
  const Point below = at_offset(problem, parameter, element, -kStep);
  const Point above = at_offset(problem, parameter, element, kStep);
  const Point far_above = at_offset(problem, parameter, element, 2 * kStep);
  if (far_below.way != below.way || below.way != above.way || above.way != far_above.way) {
    return std::nullopt;
  }
  const double narrow = (above.loss - below.loss) / (2 * kStep);
  const double wide = (far_above.loss - far_below.loss) / (4 * kStep);
  return (4 * narrow - wide) / 3;
}

/// The derived gradient by a parameter: what its update reads.
const Tensor& gradient_of(const Problem& problem, const ReferenceExecutor& executor,
                          const std::string& parameter) {
  for (const Node& node : problem.derived.nodes) {
    const bool is_update = node.updates && problem.derived.values[*node.updates].name == parameter;
    if (is_update) return *executor.find_value(problem.derived.values[node.inputs[1]].name);
  }
  CHECK(false, parameter + " is not trained");
  return *executor.find_value(parameter);
}

/// Counts of what was compared.
struct Coverage {
  std::map<std::string, unsigned> num_graphs_of_op;
  unsigned num_compared = 0;
  unsigned num_corners = 0;
};

void check_gradients(Problem& problem, unsigned seed, Coverage& coverage) {
  const ReferenceExecutor executor = run(problem.derived, problem);
  std::minstd_rand random(seed + 1);
  std::vector<std::string> parameters;
  for (const auto& [name, value] : problem.parameters) parameters.push_back(name);
  unsigned num_compared = 0;
  for (const std::string& parameter : parameters) {
    const auto gradient = gradient_of(problem, executor, parameter).as<float>();
    for (unsigned i = 0; i < kElementsPerParameter; ++i) {
      const size_t element = random() % gradient.size();
      const std::optional<double> expected = finite_difference(problem, parameter, element);
      if (!expected) ++coverage.num_corners;
      if (!expected) continue;
      ++num_compared;
      const double scale = std::max(1.0, std::abs(*expected));
      ASSERT_NEAR(gradient[element] / problem.loss_scale, *expected, kTolerance * scale)
          << "seed " << seed << ", element " << element << " of " << parameter << "\n"
          << print_graph(problem.derived);
    }
  }
  coverage.num_compared += num_compared;
  if (num_compared == 0) return;
  for (const std::string& op : problem.ops) ++coverage.num_graphs_of_op[op];
}

TEST(Gradients, EqualFiniteDifferencesForEveryRule) {
  Coverage coverage;
  unsigned seed = 0;
  for (const GradientRow& row : all_gradient_rules()) {
    ASSERT_TRUE(RandomLoss::can_use(row.op)) << "no graph is made with " << row.op;
    for (unsigned i = 0; i < kGraphsPerRule; ++i, ++seed) {
      Problem problem = make_problem(RandomLoss(seed, row.op).text(), seed);
      check_gradients(problem, seed, coverage);
      ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
  }
  for (const GradientRow& row : all_gradient_rules()) {
    EXPECT_GE(coverage.num_graphs_of_op[std::string(row.op)], kGraphsPerRule / 2) << row.op;
  }
  EXPECT_LT(coverage.num_corners, coverage.num_compared / 10);
}

}  // namespace
}  // namespace graphc
