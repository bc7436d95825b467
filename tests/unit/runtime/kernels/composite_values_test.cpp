// Composite operators against their formulas in the precision of long double, written out here.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>

#include "kernel_test_support.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace {

using Real = long double;
using Function = std::function<Real(Real)>;

Real softplus(Real x) { return std::log1p(std::exp(-std::abs(x))) + std::max<Real>(x, 0); }
Real hard_sigmoid(Real x, Real alpha) {
  return std::min<Real>(std::max<Real>(alpha * x + 0.5L, 0), 1);
}

const std::map<std::string_view, Function>& functions() {
  static const std::map<std::string_view, Function> kFunctions = {
      {"elu", [](Real x) { return x > 0 ? x : std::expm1(x); }},
      {"gelu_tanh",
       [](Real x) {
         const Real inner = std::sqrt(2 / std::numbers::pi_v<Real>) * (x + 0.044715L * x * x * x);
         return x * (1 + std::tanh(inner)) / 2;
       }},
      {"hard_sigmoid", [](Real x) { return hard_sigmoid(x, 0.2L); }},
      {"hard_swish", [](Real x) { return x * hard_sigmoid(x, 1 / 6.0L); }},
      {"leaky_relu", [](Real x) { return x > 0 ? x : 0.01L * x; }},
      {"mish", [](Real x) { return x * std::tanh(softplus(x)); }},
      {"reciprocal", [](Real x) { return 1 / x; }},
      {"silu", [](Real x) { return x / (1 + std::exp(-x)); }},
      {"softplus", softplus},
      {"softsign", [](Real x) { return x / (1 + std::abs(x)); }},
      {"square", [](Real x) { return x * x; }},
  };
  return kFunctions;
}

// Down to -3, where gelu_tanh still has digits; far away, all are as simple as they become.
TEST(Composites, HaveTheValuesOfTheirFormulas) {
  for (const OpInfo& op : all_ops()) {
    if (!op.is_composite()) continue;
    ASSERT_TRUE(functions().contains(op.name)) << "write the formula of " << op.name;
    const Function& function = functions().at(op.name);
    for (const float x :
         {-300.0F, -3.0F, -1.25F, -0.5F, -1e-4F, 1e-6F, 0.75F, 1.0F, 4.5F, 300.0F}) {
      const auto wanted = static_cast<double>(function(x));
      const float found = run_reference(op.name, {tensor_of<float>({}, {x})}, {}).as<float>()[0];
      EXPECT_NEAR(found, wanted, 2e-5 * std::max(std::abs(wanted), 1e-4)) << op.name << " of " << x;
    }
  }
}

TEST(Composites, KeepNaN) {
  const Tensor nan = tensor_of<float>({}, {std::numeric_limits<float>::quiet_NaN()});
  for (const auto& [name, function] : functions()) {
    EXPECT_TRUE(std::isnan(run_reference(name, {nan}, {}).as<float>()[0])) << name;
  }
}

TEST(Composites, TakeTheirParameters) {
  const Tensor x = tensor_of<float>({}, {-2});
  EXPECT_FLOAT_EQ(run_reference("leaky_relu", {x}, with({{"alpha", 0.25}})).as<float>()[0], -0.5F);
  EXPECT_FLOAT_EQ(
      run_reference("hard_sigmoid", {x}, with({{"alpha", 0.125}, {"beta", 0.5}})).as<float>()[0],
      0.25F);
}

}  // namespace
}  // namespace graphrt
