#pragma once

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/parse_graph.h"
#include "compiler/machine/cost_model.h"
#include "compiler/machine/machine.h"
#include "compiler/placement/assignment.h"
#include "compiler/placement/insert_copies.h"
#include "tests/unit/compiler/graph/random_graph.h"

/// What tests of the compiler's later levels start from: machines and graphs as text with round
/// numbers, and random ones.
namespace graphc {

inline std::shared_ptr<const SourceFile> file_of(const std::string& path, const std::string& text) {
  return std::make_shared<const SourceFile>(SourceFile{path, text});
}

inline Machine machine_of(const std::string& text) {
  DiagnosticSink sink;
  const auto machine = load_machine(file_of("machine.yaml", text), sink);
  CHECK(machine, sink.render_all());
  return *machine;
}

/// From the text form.
inline Graph graph_of(const std::string& text) {
  DiagnosticSink sink;
  auto graph = parse_graph(file_of("test.graph", text), sink);
  CHECK(graph, sink.render_all());
  return std::move(graph)->forward;
}

/// One device of an accelerator kind: 1 ns a byte on the CPU, 0.1 ns on it.
inline std::string tidy_gpu(const std::string& name) {
  return "  " + name +
         ": {kind: cuda, streams: 1, memory: 1GiB, rates: {matmul_f32: 10GFLOP/s, bytes: 10GB/s},"
         " launch: 0ns}\n";
}

inline const std::string kTidyCpu =
    "  cpu: {kind: cpu, workers: 1, memory: 1GiB, rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s},"
    " launch: 0ns}\n";

/// gpu0 - cpu - gpu1: the GPUs reach each other only through the CPU. 1 ns a byte and 100 ns of
/// latency on every link.
inline Machine star_machine() {
  return machine_of("machine: star\ndevices:\n" + kTidyCpu + tidy_gpu("gpu0") + tidy_gpu("gpu1") +
                    "links:\n"
                    "  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, latency: 100ns}\n"
                    "  - {between: [cpu, gpu1], to: 1GB/s, back: 1GB/s, latency: 100ns}\n");
}

/// The same devices without any link.
inline Machine island_machine() {
  return machine_of("machine: islands\ndevices:\n" + kTidyCpu + tidy_gpu("gpu0") +
                    tidy_gpu("gpu1"));
}

inline std::vector<std::string> names_of_ops(const PlacedGraph& placed) {
  std::vector<std::string> names;
  for (const PlacedOp& op : placed.ops) names.push_back(op.name);
  return names;
}

/// The user's pins, and `otherwise` where there is none.
inline Assignment as_pinned(const Graph& graph, const Machine& machine, DeviceId otherwise) {
  Assignment assignment(graph.nodes.size());
  for (const NodeId node : graph.nodes.ids()) {
    const auto& pin = graph.nodes[node].device;
    assignment[node] = pin ? *machine.find_device(*pin) : otherwise;
  }
  return assignment;
}

/// The graph placed as its pins say, the rest on the CPU.
inline PlacedGraph placed_of(const Graph& graph, const Machine& machine) {
  DiagnosticSink sink;
  auto placed = insert_copies(graph, as_pinned(graph, machine, machine.host()), machine, sink);
  CHECK(placed, sink.render_all());
  return *std::move(placed);
}

/// A CPU and two accelerators with the names that RandomGraph pins to; rates, latencies, numbers of
/// lanes and the link between the accelerators differ from seed to seed. Slow enough that tensors
/// of a few bytes take time.
inline Machine random_machine(unsigned seed) {
  std::mt19937 random(seed);
  const auto pick = [&](std::initializer_list<const char*> choices) {
    return std::string(choices.begin()[random() % choices.size()]);
  };
  const auto rates = [&] {
    return "memory: 1GiB, rates: {matmul_f32: " + pick({"1MFLOP/s", "10MFLOP/s", "1GFLOP/s"}) +
           ", bytes: " + pick({"10MB/s", "100MB/s", "1GB/s"}) +
           "}, launch: " + pick({"0ns", "100ns", "2us"}) + "}\n";
  };
  // In every other machine links share a card, and some of them a switch, both ways or one.
  std::mt19937 shared(seed);
  bool is_first = true;
  const auto through = [&] {
    if (seed % 2 == 0) return std::string();
    constexpr const char* kChoices[] = {"[switch0, card]", "[card]", "{to: [card, switch0]}"};
    return ", through: " + std::string(kChoices[std::exchange(is_first, false) ? 0 : shared() % 3]);
  };
  const auto link = [&](const std::string& ends) {
    return "  - {between: [" + ends + "], to: " + pick({"10MB/s", "100MB/s"}) +
           ", back: " + pick({"10MB/s", "100MB/s"}) + pick({"", ", both: 100MB/s"}) +
           ", latency: " + pick({"10ns", "500ns", "5us"}) + through() + "}\n";
  };
  std::string text = "machine: random\ndevices:\n";
  text += "  cpu: {kind: cpu, workers: " + pick({"1", "2", "3"}) + ", " + rates();
  text += "  gpu0: {kind: cuda, streams: " + pick({"1", "2"}) + ", " + rates();
  text += "  node1/gpu0: {kind: cuda, streams: " + pick({"1", "3"}) + ", " + rates();
  if (seed % 2 == 1) {
    text += "resources:\n  card: {bytes: 120MB/s}\n  switch0: {bytes: 60MB/s}\n";
  }
  text += "links:\n" + link("cpu, gpu0") + link("cpu, node1/gpu0");
  if (random() % 2 == 0) text += link("gpu0, node1/gpu0");
  return machine_of(text);
}

/// A random graph in which the compiler may choose every device.
inline Graph unpinned(Graph graph) {
  for (Node& node : graph.nodes) node.device.reset();
  return graph;
}

}  // namespace graphc
