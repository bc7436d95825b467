#pragma once

#include "float_values.h"
#include "kernel_test_support.h"

namespace graphrt {

using Run = Tensor (*)(std::string_view, const std::vector<Tensor>&, const Attributes&);

/// One implementation of the operators.
struct BackEnd {
  const char* name;
  Run run;
};

inline constexpr BackEnd kCpuAndReference[] = {{"cpu", run_cpu}, {"reference", run_reference}};

inline Tensor f32(Shape shape, const std::vector<float>& elements) {
  return tensor_of<float>(std::move(shape), elements);
}
inline Tensor i32(Shape shape, const std::vector<int32_t>& elements) {
  return tensor_of<int32_t>(std::move(shape), elements);
}

/// Tests that hold for both implementations.
class ExpectedValues : public testing::TestWithParam<BackEnd> {
 protected:
  static Tensor run(std::string_view op, const std::vector<Tensor>& inputs,
                    const Attributes& attributes = {}) {
    return GetParam().run(op, inputs, attributes);
  }
  static void expect(std::string_view op, const std::vector<Tensor>& inputs, const Tensor& wanted,
                     const Attributes& attributes = {}) {
    EXPECT_TRUE(same(run(op, inputs, attributes), wanted, 1e-6)) << op;
  }
};

}  // namespace graphrt
