#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "compiler/frontend/parse_graph.h"
#include "compiler/graph/print_graph.h"
#include "compiler/passes/pass_manager.h"
#include "runtime/kernels/reference/initial_value.h"
#include "runtime/kernels/reference/reference_executor.h"
#include "tests/property/parallel/random_batch_graph.h"

namespace graphc {
namespace {

constexpr unsigned kNumGraphs = 600;
constexpr int kNumSteps = 3;

/// Parts on hosts in turn, as a machine of so many would have it.
void spread_over(size_t num_hosts, Parallel& parallel) {
  for (size_t part = 0; part < parallel.batch.size(); ++part) {
    parallel.batch[part].host = HostId(part % num_hosts);
  }
  parallel.result_device = parallel.batch[0].device;
}

Graph graph_of(const std::string& text, size_t num_hosts = 1) {
  DiagnosticSink sink;
  const auto file = std::make_shared<const SourceFile>(SourceFile{"random.graph", text});
  Result<GraphRequest> request = parse_graph(file, sink);
  CHECK(request.has_value(), sink.render_all() + text);
  if (num_hosts > 1) spread_over(num_hosts, *request->parallel);
  const Result<PassRun> run = run_passes(*std::move(request), default_passes(), {}, sink);
  CHECK(run.has_value(), sink.render_all() + text);
  return run->graph;
}

/// 0, 1, 2 and again, from another one on in every step.
Tensor labels_of(const TensorType& type, int step) {
  Tensor labels = zeros(type);
  int32_t next = step;
  for (int32_t& label : labels.as<int32_t>()) label = next++ % 3;
  return labels;
}

/// What a batch holds: numbers in [-1, 1], and labels.
std::map<std::string, Tensor> inputs_of(const Graph& graph, int step) {
  std::map<std::string, Tensor> inputs;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::kInput) continue;
    if (value.type.element == ElementType::kI32) {
      inputs[value.name] = labels_of(value.type, step);
      continue;
    }
    Initializer numbers;
    numbers.kind = InitializerKind::kUniform;
    numbers.low = -1;
    numbers.high = 1;
    numbers.seed = static_cast<uint64_t>(step);
    numbers.stream = value.name;
    inputs[value.name] = *make_initial(numbers, value.type);
  }
  return inputs;
}

/// Outputs of every step, and the states after the last.
std::map<std::string, Tensor> results_of(const Graph& graph) {
  std::map<std::string, Tensor> results;
  Result<ReferenceExecutor> executor = ReferenceExecutor::create(to_source_graph(graph));
  CHECK(executor.has_value(), executor ? "" : executor.error().message);
  for (int step = 0; step < kNumSteps; ++step) {
    const Result<void> done = executor->step(inputs_of(graph, step));
    CHECK(done.has_value(), done ? "" : done.error().message);
    for (const GraphOutput& output : graph.outputs) {
      const std::string& name = graph.values[output.value].name;
      results[name + "@" + std::to_string(step)] = *executor->find_value(name);
    }
  }
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kState) results[value.name] = *executor->find_state(value.name);
  }
  return results;
}

/// The largest difference of two f32 tensors, as a part of the largest element.
double difference(const Tensor& a, const Tensor& b) {
  double largest = 1e-6;
  double differing = 0;
  for (size_t i = 0; i < a.as<float>().size(); ++i) {
    const double x = a.as<float>()[i];
    const double y = b.as<float>()[i];
    largest = std::max(largest, std::abs(x));
    differing = std::max(differing, std::abs(x - y));
  }
  return differing / largest;
}

// The parts, put together, are the whole: outputs and states to rounding, counters to the bit.
TEST(Divide, RandomTrainingStepsComputeWhatTheUndividedOnesDo) {
  std::set<std::string_view> divided_ops;
  size_t num_gathered = 0;
  size_t num_sharded = 0;
  for (unsigned seed = 0; seed < kNumGraphs; ++seed) {
    const RandomBatchGraph random(seed);
    const Graph whole = graph_of(random.text());
    const Graph parts = graph_of(random.text() + random.parallel());
    for (const Node& node : parts.nodes) {
      if (node.device) divided_ops.insert(node.op->name);
      if (node.op->name == "concat" && !node.device) ++num_gathered;
      if (node.op->name == "concat" && node.updates) ++num_sharded;
    }
    const auto expected = results_of(whole);
    const auto found = results_of(parts);
    ASSERT_EQ(found.size(), expected.size()) << "seed " << seed;
    for (const auto& [name, tensor] : expected) {
      const Tensor& other = found.at(name);
      ASSERT_EQ(other.type, tensor.type);
      if (tensor.type.element == ElementType::kF32) {
        ASSERT_LT(difference(tensor, other), 2e-5)
            << name << ", seed " << seed << "\n"
            << random.text() << random.parallel() << print_graph(parts);
      } else {
        ASSERT_EQ(other, tensor) << name << ", seed " << seed;
      }
    }
  }
  // Everything that can be divided was, and what cannot was put together.
  for (const char* op : {"accuracy", "broadcast", "concat", "dropout", "embedding",
                         "embedding_grad", "layer_norm", "layer_norm_grad", "layer_norm_scale_grad",
                         "matmul", "mse", "reshape", "slice", "softmax", "softmax_cross_entropy",
                         "softmax_cross_entropy_grad", "softmax_grad", "sum", "sum_of_squares"}) {
    EXPECT_TRUE(divided_ops.contains(op)) << op;
  }
  EXPECT_GT(num_gathered, 20U);
  EXPECT_GT(num_sharded, 100U);
}

// So they are where the parts are on different hosts, in whatever order.
TEST(Divide, RandomTrainingStepsOverHostsComputeWhatTheUndividedOnesDo) {
  for (unsigned seed = 0; seed < kNumGraphs; seed += 4) {
    const RandomBatchGraph random(seed);
    const auto expected = results_of(graph_of(random.text()));
    const auto found = results_of(graph_of(random.text() + random.parallel(), 2));
    ASSERT_EQ(found.size(), expected.size()) << "seed " << seed;
    for (const auto& [name, tensor] : expected) {
      if (tensor.type.element != ElementType::kF32) {
        ASSERT_EQ(found.at(name), tensor) << name << ", seed " << seed;
      } else {
        ASSERT_LT(difference(tensor, found.at(name)), 2e-5) << name << ", seed " << seed;
      }
    }
  }
}

// Large enough to be cut into shards, of which those of one place in their hosts make a slab.
TEST(Divide, ShardsOverHostsComputeWhatTheUndividedStepDoes) {
  const std::string text =
      "graph large\n"
      "input %x : f32[12, 96]\n"
      "input %label : i32[12]\n"
      "state %w : f32[96, 72] init he_normal(seed=1)\n"
      "state %v : f32[72, 3] init he_normal(seed=2)\n"
      "%z = matmul(%x, %w)\n"
      "%h = tanh(%z)\n"
      "%y = matmul(%h, %v)\n"
      "%loss = softmax_cross_entropy(%y, %label)\n"
      "output %loss\n"
      "train %loss adam(learning_rate=0.01)\n";
  const auto expected = results_of(graph_of(text));
  const std::vector<std::pair<std::string, size_t>> spreads = {
      {"a, b", 2}, {"a, b, c", 3}, {"a, b, c, d", 2}, {"a, b, c, d, e, f", 3}, {"a, b, c", 2}};
  for (const auto& [devices, num_hosts] : spreads) {
    const std::string parallel = "parallel batch " + devices + " update_on shards\n";
    const Graph parts = graph_of(text + parallel, num_hosts);
    const auto found = results_of(parts);
    for (const auto& [name, tensor] : expected) {
      if (tensor.type.element != ElementType::kF32) continue;
      EXPECT_LT(difference(tensor, found.at(name)), 2e-5) << name << " over " << devices;
    }
    size_t num_slabs = 0;
    for (const Node& node : parts.nodes) num_slabs += node.name.find(".slab_") != std::string::npos;
    const size_t num_devices = devices.size() / 3 + 1;
    const bool is_even = num_devices % num_hosts == 0 && num_devices > num_hosts;
    EXPECT_EQ(num_slabs > 0, is_even) << devices;
    // What is small is updated on one device.
    for (const Node& node : parts.nodes) {
      if (node.updates && parts.values[*node.updates].name == "v") {
        EXPECT_EQ(node.device, "a");
        EXPECT_TRUE(node.also_on.empty());
      }
    }
  }
}

}  // namespace
}  // namespace graphc
