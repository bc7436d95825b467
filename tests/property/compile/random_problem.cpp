#include "tests/property/compile/random_problem.h"

#include <algorithm>
#include <array>
#include <random>

#include "compiler/machine/hosts.h"

namespace graphc {
namespace {

constexpr int64_t kDim = 8;  // so that a matrix is what accelerators align rows to
const TensorType kMatrix{ElementType::kF32, {kDim, kDim}};

class GraphMaker {
 public:
  GraphMaker(uint32_t seed, const Machine& machine) : random_(seed), machine_(machine) {}

  Graph run() {
    graph_.name = "random";
    for (size_t i = 1 + below(3); i > 0; --i) add_source(ValueKind::kInput);
    for (size_t i = 1 + below(3); i > 0; --i) add_source(ValueKind::kState);
    const size_t num_nodes = 3 + below(14);
    for (size_t i = 0; i < num_nodes; ++i) add_random_node();
    for (const ValueId state : states_) {
      if (below(4) > 0) add_update(state);
    }
    for (size_t i = 1 + below(3); i > 0; --i) add_output();
    return std::move(graph_);
  }

 private:
  size_t below(size_t limit) { return static_cast<size_t>(random_()) % limit; }

  std::optional<std::string> maybe_device() {
    if (below(2) == 0) return std::nullopt;
    return machine_.devices[DeviceId(below(machine_.devices.size()))].name;
  }

  void add_source(ValueKind kind) {
    Value value;
    value.kind = kind;
    value.name = (kind == ValueKind::kInput ? "x" : "w") + std::to_string(graph_.values.size());
    value.type = kMatrix;
    if (kind == ValueKind::kState) {
      value.initializer = {InitializerKind::kUniform, -0.5, 0.5, 7, value.name, {}};
    }
    const ValueId id = graph_.values.push_back(value);
    matrices_.push_back(id);
    if (kind == ValueKind::kState) states_.push_back(id);
  }

  ValueId any_matrix() { return matrices_[below(matrices_.size())]; }

  ValueId add_node(std::string_view op, std::vector<ValueId> inputs, const Attributes& attributes) {
    Node node;
    node.name = "n" + std::to_string(graph_.nodes.size());
    node.op = find_op(op);
    node.attributes = attributes;
    node.inputs = std::move(inputs);
    std::vector<TensorType> types;
    for (const ValueId input : node.inputs) types.push_back(graph_.type_of(input));
    node.device = maybe_device();
    node.keep = below(6) == 0;
    Value value;
    value.name = node.name;
    value.type = infer_type(*node.op, types, node.attributes).value();
    value.producer = NodeId(graph_.nodes.size());
    node.results = {graph_.values.push_back(value)};
    graph_.nodes.push_back(node);
    return node.result();
  }

  void add_random_node() {
    constexpr std::array<std::string_view, 4> kUnary = {"relu", "tanh", "sigmoid", "softmax"};
    constexpr std::array<std::string_view, 3> kBinary = {"add", "sub", "mul"};
    Attributes attributes;
    switch (below(5)) {
      case 4:
        matrices_.push_back(add_views());
        return;
      case 0: {
        attributes.set("transpose_a", below(2) == 0);
        attributes.set("transpose_b", below(2) == 0);
        const ValueId product = add_node("matmul", {any_matrix(), any_matrix()}, attributes);
        // Keeps repeated products from growing without bound.
        matrices_.push_back(add_node("tanh", {product}, {}));
        return;
      }
      case 1:
        matrices_.push_back(
            add_node(kBinary[below(kBinary.size())], {any_matrix(), any_matrix()}, attributes));
        return;
      case 2:
        matrices_.push_back(add_node("transpose", {any_matrix()}, attributes));
        return;
      default:
        matrices_.push_back(add_node(kUnary[below(kUnary.size())], {any_matrix()}, attributes));
    }
  }

  ValueId add_rows(ValueId value, int64_t begin, int64_t end) {
    Attributes attributes;
    attributes.set("begin", begin);
    attributes.set("end", end);
    return add_node("slice", {value}, attributes);
  }

  ValueId add_reshape(ValueId value, const Shape& shape) {
    Attributes attributes;
    attributes.set("shape", shape);
    return add_node("reshape", {value}, attributes);
  }

  /// A matrix that is put together from rows, cut out of a larger value, or was of another shape.
  ValueId add_views() {
    const ValueId first = any_matrix();
    const ValueId second = any_matrix();
    switch (below(3)) {
      case 0: {
        const ValueId low = add_node("relu", {add_rows(first, 0, kDim / 2)}, {});
        const ValueId high = add_node("tanh", {add_rows(second, kDim / 2, kDim)}, {});
        return add_node("concat", {low, high}, {});
      }
      case 1: {
        const ValueId a = add_node("tanh", {first}, {});
        const ValueId both = add_node("concat", {a, add_node("sub", {a, second}, {})}, {});
        const int64_t begin = below(2) == 0 ? 0 : kDim;
        return add_rows(add_node("sigmoid", {both}, {}), begin, begin + kDim);
      }
      default: {
        const ValueId flat = add_reshape(first, {kDim / 2, 2 * kDim});
        return add_reshape(add_node("softmax", {flat}, {}), {kDim, kDim});
      }
    }
  }

  /// Most updates are on one device, where small ones may share a launch.
  void add_update(ValueId state) {
    Node& node = graph_.nodes[*graph_.values[next_value(state)].producer];
    node.updates = state;
    if (below(4) == 0) return;
    node.device = machine_.devices[DeviceId(machine_.devices.size() - 1)].name;
    node.keep = false;
  }

  /// In place, or through an operator that reads its state after it would be overwritten.
  ValueId next_value(ValueId state) {
    const ValueId source = add_node("tanh", {any_matrix()}, {});
    Attributes attributes;
    attributes.set("learning_rate", 0.1);
    switch (below(8)) {
      case 3: {
        const ValueId low = add_rows(state, 0, kDim / 2);
        const ValueId high = add_rows(state, kDim / 2, kDim);
        return add_node("concat",
                        {add_node("sgd_update", {low, add_rows(source, 0, kDim / 2)}, attributes),
                         add_node("sgd_update", {high, add_rows(source, 0, kDim / 2)}, attributes)},
                        {});
      }
      case 0:
        return add_node("softmax", {add_node("matmul", {state, source}, {})}, {});
      case 1:
        return add_node("matmul_sgd_update", {state, add_node("softmax", {source}, {}), state},
                        attributes);
      case 2:
        return add_node("sgd_update", {state, add_node("matmul", {source, source}, {})},
                        attributes);
      default:
        return add_node("sgd_update", {state, source}, attributes);
    }
  }

  void add_output() {
    const ValueId value(below(graph_.values.size()));
    for (const GraphOutput& known : graph_.outputs) {
      if (known.value == value) return;
    }
    graph_.outputs.push_back({value, below(3) == 0 ? maybe_device() : std::nullopt, {}, {}});
  }

  std::mt19937 random_;
  const Machine& machine_;
  Graph graph_;
  std::vector<ValueId> matrices_;
  std::vector<ValueId> states_;
};

}  // namespace

Graph random_graph(uint32_t seed, const Machine& machine) {
  return GraphMaker(seed, machine).run();
}

Machine random_machine(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint32_t limit) { return static_cast<int32_t>(random() % limit); };
  Machine machine = single_cpu_machine();
  machine.name = "random";
  machine.devices[machine.host()].num_lanes = 1 + below(3);
  const int32_t num_accelerators = 1 + below(3);
  for (int32_t i = 0; i < num_accelerators; ++i) {
    Device device = machine.devices[machine.host()];
    device.name = "gpu" + std::to_string(i);
    device.kind = "cuda";
    device.num_lanes = 1 + below(3);
    device.launch_ns = 20 + below(500);
    for (auto& [name, rate] : device.rates) rate *= 1 + below(30);
    const DeviceId id = machine.devices.push_back(device);
    const DeviceId neighbour = below(4) == 0 && i > 0 ? DeviceId(i) : machine.host();
    LinkDirection to{neighbour, id, 1e9 * (1 + below(50)), {}, 10 + below(2000), i};
    LinkDirection back{id, neighbour, 1e9 * (1 + below(50)), {}, 10 + below(2000), i};
    if (below(2) == 0) {
      const double faster = std::max(to.bytes_per_s, back.bytes_per_s);
      limit_both(machine, to, back, faster + std::min(to.bytes_per_s, back.bytes_per_s) / 2);
    }
    machine.links.push_back(to);
    machine.links.push_back(back);
  }
  // Up to three resources, each of which some directions go through.
  for (int32_t i = below(4); i > 0; --i) {
    const LinkResourceId resource = machine.resources.push_back(
        {"switch" + std::to_string(i), 1e9 * (1 + below(50)), false, {}});
    machine.links[static_cast<size_t>(below(2))].through.push_back(resource);
    for (size_t link = 2; link < machine.links.size(); ++link) {
      if (below(2) == 0) machine.links[link].through.push_back(resource);
    }
  }
  return machine;
}

Machine random_machine_of_hosts(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint32_t limit) { return static_cast<int32_t>(random() % limit); };
  Machine whole;
  whole.name = "random";
  Network network;
  network.bytes_per_s = 1e9 * (1 + below(40));
  if (below(2) == 0) network.both_per_s = network.bytes_per_s * 1.5;
  network.latency_ns = int64_t{100} * below(200);
  network.message_ns = int64_t{100} * below(20);
  network.num_cards = 1 + below(2);
  whole.network = network;
  std::vector<HostPart> parts;
  const int32_t num_hosts = 2 + below(3);
  for (int32_t i = 0; i < num_hosts; ++i) {
    const uint32_t like = below(2) == 0 ? seed : seed + static_cast<uint32_t>(i);
    parts.push_back({"h" + std::to_string(i), random_machine(like)});
  }
  return join_hosts(std::move(whole), parts);
}

Tensor random_feed(uint32_t seed, const TensorType& type, int64_t num_batches) {
  std::mt19937 random(seed);
  TensorType stacked = type;
  stacked.shape[0] *= num_batches;
  Tensor tensor = zeros(stacked);
  for (float& element : tensor.as<float>()) {
    element = static_cast<float>(random() % 2000) / 1000.0F - 1.0F;
  }
  return tensor;
}

}  // namespace graphc
