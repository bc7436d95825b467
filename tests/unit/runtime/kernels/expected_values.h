#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "kernel_test_support.h"

namespace graphrt {

using Run = Tensor (*)(std::string_view, const std::vector<Tensor>&, const Attributes&);

struct BackEnd {
  const char* name;
  Run run;
};

inline Tensor f32(Shape shape, const std::vector<float>& elements) {
  return tensor_of<float>(std::move(shape), elements);
}
inline Tensor i32(Shape shape, const std::vector<int32_t>& elements) {
  return tensor_of<int32_t>(std::move(shape), elements);
}

/// Operators against numbers worked out by hand, so that the two implementations cannot be wrong in
/// the same way.
class ExpectedValues : public testing::TestWithParam<BackEnd> {
 protected:
  void expect(std::string_view op, const std::vector<Tensor>& inputs, const Tensor& wanted,
              const Attributes& attributes = {}) {
    EXPECT_TRUE(same(GetParam().run(op, inputs, attributes), wanted, 1e-6)) << op;
  }
};

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();
inline constexpr float kLog2 = 0.693147181F;
inline constexpr float kLog3 = 1.098612289F;

/// The back ends that a suite of expected values is instantiated for.
inline auto tested_back_ends() {
  return testing::Values(BackEnd{"cpu", run_cpu}, BackEnd{"reference", run_reference});
}
inline std::string name_of(const testing::TestParamInfo<BackEnd>& test) { return test.param.name; }

}  // namespace graphrt
