#include "compiler/autodiff/clipping.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace graphc {
namespace {

/// The backward pass is done with the first layer last: summed up in that order, there is one
/// addition left to do behind it, and not one for every parameter.
std::vector<ParameterGradient> in_order_of_derivation(std::vector<ParameterGradient> gradients) {
  std::sort(gradients.begin(), gradients.end(),
            [](const ParameterGradient& a, const ParameterGradient& b) {
              return std::pair(a.gradient, a.parameter) < std::pair(b.gradient, b.parameter);
            });
  return gradients;
}

}  // namespace

ValueId add_global_norm(DerivedNodes& nodes, const std::vector<ParameterGradient>& gradients,
                        const SourceRange& where) {
  const Origin origin{where, std::nullopt, {}};
  std::optional<ValueId> norm;
  for (const ParameterGradient& each : in_order_of_derivation(gradients)) {
    const std::string& parameter = nodes.graph().values[each.parameter].name;
    const ValueId own = nodes.add_named("grad." + parameter + ".norm", "norm", {each.gradient}, {},
                                        origin_of(nodes, each));
    norm = norm ? nodes.add_named("train.norm", "hypot", {*norm, own}, {}, origin) : own;
  }
  return *norm;
}

std::vector<ParameterGradient> add_clipping(DerivedNodes& nodes,
                                            std::vector<ParameterGradient> gradients, ValueId norm,
                                            double max_norm, const SourceRange& where) {
  Attributes attributes;
  attributes.set("max_norm", max_norm);
  attributes.set("of_norm", true);
  const ValueId factor = nodes.add_named("train.clip", "clip_factor", {norm}, std::move(attributes),
                                         {where, std::nullopt, {}});
  for (ParameterGradient& each : gradients) each.factor = factor;
  return gradients;
}

}  // namespace graphc
