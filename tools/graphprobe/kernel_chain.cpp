#include "tools/graphprobe/kernel_chain.h"

#include <fmt/core.h>

#include <algorithm>

#include "compiler/graph/graph.h"
#include "compiler/graph/print_graph.h"
#include "runtime/base/text.h"

namespace graphprobe {
namespace {

/// Integer operands stay below this: rows of a table, or columns of what labels point into.
int64_t bound_of_integers(const Kernel& kernel) {
  const int64_t rows = kernel.attributes.integer("rows", 0);
  if (rows > 0) return rows;
  const auto first = std::find_if(kernel.inputs.begin(), kernel.inputs.end(),
                                  [](const graphrt::TensorType& input) {
                                    return graphrt::is_float(input.element) && !input.shape.empty();
                                  });
  if (first == kernel.inputs.end()) return 1;
  return std::min(first->shape.front(), first->shape.back());
}

/// `[0, 1, 2, 0, 1, ...]`, nested as the shape is.
std::string spread_literal(const graphrt::Shape& shape, size_t axis, int64_t bound, int64_t& next) {
  if (axis == shape.size()) return std::to_string(next++ % bound);
  std::vector<std::string> items;
  for (int64_t i = 0; i < shape[axis]; ++i) {
    items.push_back(spread_literal(shape, axis + 1, bound, next));
  }
  return "[" + graphrt::join(items, ", ") + "]";
}

std::string first_value(const graphrt::TensorType& type, int64_t bound) {
  int64_t next = 0;
  if (graphrt::is_float(type.element)) return "uniform(low=-1, high=1, seed=1)";
  return spread_literal(type.shape, 0, type.element == graphrt::ElementType::kBool ? 2 : bound,
                        next);
}

std::string state_line(const std::string& name, const graphrt::TensorType& type,
                       const std::string& device, int64_t bound) {
  const std::string first = first_value(type, bound);
  return fmt::format("state %{} : {} init {} device {}\n", name, to_string(type), first, device);
}

/// `%n3`, and all other results of node n3.
std::string results_of(const Kernel& kernel, int32_t number) {
  const graphrt::OpInfo& op = *graphrt::find_op(kernel.op);
  std::vector<std::string> names;
  for (size_t i = 0; i < op.num_results(); ++i) {
    names.push_back("%" + graphc::result_name(op, fmt::format("n{}", number), i));
  }
  return graphrt::join(names, ", ");
}

}  // namespace

std::string chain_of(const Kernel& kernel, const std::string& device_name, int32_t length) {
  const std::string device = graphc::print_word(device_name);
  const int64_t bound = bound_of_integers(kernel);
  std::string states;
  std::string nodes;
  std::string attributes;
  for (const graphrt::Attribute& attribute : kernel.attributes) {
    attributes += fmt::format("{}{} = {}", attributes.empty() ? "" : ", ", attribute.name,
                              graphrt::to_string(attribute.value));
  }
  if (!attributes.empty()) attributes = " {" + attributes + "}";
  for (size_t i = kernel.replaces_first ? 1 : 0; i < kernel.inputs.size(); ++i) {
    states += state_line(fmt::format("x{}", i), kernel.inputs[i], device, bound);
  }
  for (int32_t n = 0; n < length; ++n) {
    if (kernel.replaces_first)
      states += state_line(fmt::format("s{}", n), kernel.inputs[0], device, bound);
    std::string operands;
    for (size_t i = 0; i < kernel.inputs.size(); ++i) {
      const bool is_own = kernel.replaces_first && i == 0;
      operands += fmt::format("{}%{}{}", i == 0 ? "" : ", ", is_own ? "s" : "x",
                              is_own ? static_cast<size_t>(n) : i);
    }
    nodes += fmt::format("{} = {}({}){} device {} keep{}\n", results_of(kernel, n), kernel.op,
                         operands, attributes, device,
                         kernel.replaces_first ? fmt::format(" updates %s{}", n) : "");
  }
  return "graph kernels\n" + states + nodes +
         (kernel.replaces_first ? "" : fmt::format("output %n{} on {}\n", length - 1, device));
}

}  // namespace graphprobe
