#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "compiler/compile.h"
#include "compiler/frontend/load_graph.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

const std::vector<std::string> kHead = {
    "graph: mlp",
    "inputs:",
    "  x: {type: \"f32[20, 8]\"}",
    "  label: {type: \"i32[20]\"}",
    "state:",
    "  w1: {type: \"f32[8, 16]\", init: zeros}",
    "  w2: {type: \"f32[16, 4]\", init: zeros}",
    "nodes:",
};
const std::vector<std::string> kNodes = {
    "  - {name: fc1, op: matmul, inputs: [x, w1]}",
    "  - {name: h1, op: relu, inputs: [fc1]}",
    "  - {name: side, op: tanh, inputs: [fc1]}",
    "  - {name: fc2, op: matmul, inputs: [h1, w2]}",
    "  - {name: loss, op: softmax_cross_entropy, inputs: [fc2, label]}",
    "  - {name: ograd, op: softmax_cross_entropy_grad, inputs: [fc2, label]}",
    "  - {name: wgrad2, op: matmul, inputs: [h1, ograd], transpose_a: true}",
    "  - {name: hgrad, op: matmul, inputs: [ograd, w2], transpose_b: true}",
    "  - {name: rgrad, op: relu_grad, inputs: [hgrad, h1]}",
    "  - {name: wgrad1, op: matmul, inputs: [x, rgrad], transpose_a: true}",
    "  - {name: w2_new, op: sgd_update, inputs: [w2, wgrad2], learning_rate: 0.5, updates: w2}",
    "  - {name: w1_new, op: sgd_update, inputs: [w1, wgrad1], learning_rate: 0.5, updates: w1}",
};

Compilation compiled(const std::vector<std::string>& nodes, const Machine& machine) {
  std::string text;
  for (const std::string& line : kHead) text += line + "\n";
  for (const std::string& line : nodes) text += line + "\n";
  text += "outputs: [loss, side]\n";
  DiagnosticSink sink;
  const auto loaded = load_graph(file_of("mlp.yaml", text), sink);
  CHECK(loaded, sink.render_all());
  auto compilation = compile(loaded->request, machine, {}, sink);
  CHECK(compilation, sink.render_all());
  return *std::move(compilation);
}

// A user who reorders the nodes of a file gets the same speed: not nearly, but exactly the same.
TEST(NodeOrder, ShuffledFilesCompileToTheSameInterval) {
  for (const unsigned machine_seed : {3U, 4U, 11U}) {
    const Machine machine = random_machine(machine_seed);
    const Compilation written = compiled(kNodes, machine);
    for (unsigned seed = 1; seed <= 8; ++seed) {
      SCOPED_TRACE("machine " + std::to_string(machine_seed) + ", seed " + std::to_string(seed));
      std::vector<std::string> nodes = kNodes;
      std::mt19937 random(seed);
      std::shuffle(nodes.begin(), nodes.end(), random);
      const Compilation shuffled = compiled(nodes, machine);
      EXPECT_EQ(shuffled.synchronised().interval_ns, written.synchronised().interval_ns);
      EXPECT_EQ(shuffled.synchronised().latency_ns, written.synchronised().latency_ns);
      EXPECT_EQ(shuffled.bound.interval_ns, written.bound.interval_ns);
      EXPECT_EQ(shuffled.placement.chosen.name, written.placement.chosen.name);
    }
  }
}

}  // namespace
}  // namespace graphc
