#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graphrt {

/// What is computed on one element at a time: the operators of element_functions.def, by name.
enum class ElementFunction : uint8_t {
#define GRAPHC_ELEMENT_FUNCTION(name, Functor, ...) k##Functor,
#include "runtime/op/element_functions.def"
};

std::string_view to_string(ElementFunction function);
std::vector<std::string> element_function_names();
/// The function with the name of an operator, if there is one.
std::optional<ElementFunction> find_element_function(std::string_view name);
/// Whether it has a second operand.
bool takes_pair(ElementFunction function);
/// Whether a CPU needs many operations for it, as for an exponential.
bool is_slow(ElementFunction function);
/// In all its operands together: what its gradients by them need none of their values for.
bool is_linear(ElementFunction function);
/// The gradient of a loss by operand number `index`, 0 or 1, as element_functions.def has it; empty
/// if there is none.
std::string_view gradient_formula(ElementFunction function, size_t index);

}  // namespace graphrt
