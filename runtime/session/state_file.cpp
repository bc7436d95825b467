#include "runtime/session/state_file.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/element.h"

namespace graphrt {
namespace {

/// The elements as another type of floats.
Tensor cast_floats(const Tensor& from, ElementType element) {
  Tensor result = zeros({element, from.type.shape});
  with_float_type(from.type.element, [&](auto from_tag) {
    with_float_type(element, [&](auto to_tag) {
      using From = typename decltype(from_tag)::Type;
      using To = typename decltype(to_tag)::Type;
      const auto x = from.as<From>();
      std::transform(x.begin(), x.end(), result.as<To>().begin(),
                     [](From each) { return To(static_cast<float>(each)); });
    });
  });
  return result;
}

bool is_infinite_at(const Tensor& tensor, size_t i) {
  return with_float_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return std::isinf(static_cast<float>(tensor.as<T>()[i]));
  });
}

}  // namespace

bool may_be_cast(const TensorType& from, const TensorType& to) {
  return from.element != to.element && from.shape == to.shape && is_float(from.element) &&
         is_float(to.element);
}

std::string state_misfit(const PlanState& state, const Safetensors& file, StateTypes types) {
  const auto found = file.tensors.find(state.name);
  if (found == file.tensors.end()) return "state '" + state.name + "' is not in the file";
  const TensorType& type = found->second.type;
  if (type == state.type) return "";
  const bool is_castable = may_be_cast(type, state.type);
  if (is_castable && types == StateTypes::kCast) return "";
  return "state '" + state.name + "' is " + to_string(state.type) + " in the plan and " +
         to_string(type) + " in the file" + (is_castable ? "; --cast converts it" : "");
}

Result<Tensor> state_from(const PlanState& state, const Safetensors& file) {
  const Tensor& given = file.tensors.at(state.name);
  if (given.type == state.type) return given;
  Tensor result = cast_floats(given, state.type.element);
  const auto num_elements = static_cast<size_t>(given.type.num_elements());
  for (size_t i = 0; i < num_elements; ++i) {
    if (!is_infinite_at(result, i) || is_infinite_at(given, i)) continue;
    return input_error("state '" + state.name + "' has numbers that " +
                       std::string(to_string(state.type.element)) +
                       " does not hold, the first at element " + std::to_string(i));
  }
  return result;
}

size_t num_cast_states(const Plan& plan, const Safetensors& file) {
  return static_cast<size_t>(
      std::count_if(plan.states.begin(), plan.states.end(), [&](const PlanState& state) {
        const auto found = file.tensors.find(state.name);
        return found != file.tensors.end() && may_be_cast(found->second.type, state.type);
      }));
}

}  // namespace graphrt
