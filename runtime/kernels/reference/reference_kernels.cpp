#include "runtime/kernels/reference/reference_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/kernels/reference/functions.h"
#include "runtime/kernels/reference/loops.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace reference {

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) GRAPHC_##kind##_LOOP(name)
#define GRAPHC_Map_LOOP(name)                                     \
  void name(Operands inputs, const Attributes&, Tensor& result) { \
    map_f32(inputs, result, of_##name);                           \
  }
#define GRAPHC_Scaled_LOOP(name)  // has one of its own, for its factor
#define GRAPHC_Zip_LOOP(name)                                     \
  void name(Operands inputs, const Attributes&, Tensor& result) { \
    zip_f32(inputs, result, of_##name);                           \
  }
#define GRAPHC_Pair_LOOP(name) GRAPHC_Zip_LOOP(name)
#define GRAPHC_Arithmetic_LOOP(name)                              \
  void name(Operands inputs, const Attributes&, Tensor& result) { \
    switch (result.type.element) {                                \
      case ElementType::kF32:                                     \
        return zip_f32(inputs, result, of_##name<double>);        \
      case ElementType::kI32:                                     \
        return zip_i32(inputs, result, of_##name<int64_t>);       \
    }                                                             \
  }
#include "runtime/op/element_functions.def"

void equal(Operands inputs, const Attributes&, Tensor& result) {
  const auto is_equal = [](double a, double b) { return a == b ? 1.0 : 0.0; };
  switch (inputs[0]->type.element) {
    case ElementType::kF32:
      return zip_f32(inputs, result, is_equal);
    case ElementType::kI32:
      return zip_i32_to_f32(inputs, result, is_equal);
  }
}

}  // namespace reference

namespace {

struct Row {
  std::string_view op;
  reference::Loop loop;
};

constexpr std::array kLoops = {
#define GRAPHC_OPERATOR(name) Row{#name, reference::name},
#include "runtime/op/operators.def"
};

}  // namespace

Tensor evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                          const Attributes& attributes, const TensorType& result) {
  Tensor output = zeros(result);
  const OpInfo* info = find_op(op);
  CHECK(info != nullptr, "no operator " + std::string(op));
  if (info->is_composite()) {
    reference::composite(*info, inputs, attributes, output);
    return output;
  }
  const auto row = std::find_if(kLoops.begin(), kLoops.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  CHECK(row != kLoops.end(), "no reference kernel for " + std::string(op));
  row->loop(inputs, attributes, output);
  return output;
}

}  // namespace graphrt
