// Every operator against numbers worked out by hand, so that the two implementations cannot be
// wrong in the same way.
#include "expected_values.h"

namespace graphrt {
namespace {

constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();
constexpr int32_t kMinInt = std::numeric_limits<int32_t>::min();

INSTANTIATE_TEST_SUITE_P(BackEnds, ExpectedValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

TEST_P(ExpectedValues, Arithmetic) {
  const Tensor a = f32({2, 2}, {1, 2, 3, 4});
  const Tensor row = f32({2}, {10, 20});
  const Tensor column = f32({2, 1}, {10, 20});
  expect("add", {a, row}, f32({2, 2}, {11, 22, 13, 24}));
  expect("add", {a, column}, f32({2, 2}, {11, 12, 23, 24}));
  expect("sub", {row, a}, f32({2, 2}, {9, 18, 7, 16}));
  expect("mul", {a, f32({}, {-2})}, f32({2, 2}, {-2, -4, -6, -8}));
  expect("div", {row, column}, f32({2, 2}, {1, 2, 0.5F, 1}));
  expect("div", {f32({3}, {1, 0, -1}), f32({}, {0})}, f32({3}, {kInf, kNan, -kInf}));
}

TEST_P(ExpectedValues, IntegerArithmeticWrapsAround) {
  expect("add", {i32({2}, {1, kMaxInt}), i32({2}, {2, 1})}, i32({2}, {3, kMinInt}));
  expect("sub", {i32({2}, {1, kMinInt}), i32({}, {1})}, i32({2}, {0, kMaxInt}));
  expect("mul", {i32({3}, {3, 65536, -7}), i32({3}, {-4, 65536, 6})}, i32({3}, {-12, 0, -42}));
}

// add of a[2, 1, 2] and b[3, 1]: y[i, j, k] = a[i, 0, k] + b[j, 0].
TEST_P(ExpectedValues, BroadcastingInBothOperands) {
  expect("add", {f32({2, 1, 2}, {1, 2, 3, 4}), f32({3, 1}, {10, 20, 30})},
         f32({2, 3, 2}, {11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34}));
}

TEST_P(ExpectedValues, Maps) {
  expect("relu", {f32({4}, {-1, 0, 2, kNan})}, f32({4}, {0, 0, 2, kNan}));
  expect("relu_grad", {f32({3}, {5, 6, 7}), f32({3}, {-1, 0, 2})}, f32({3}, {0, 0, 7}));
  expect("scale", {f32({2}, {3, -4})}, f32({2}, {1.5F, -2}), with({{"factor", 0.5}}));
  expect("exp", {f32({3}, {0, kLog2, -kInf})}, f32({3}, {1, 2, 0}));
  expect("log", {f32({4}, {1, 2, 0, -1})}, f32({4}, {0, kLog2, -kInf, kNan}));
  // tanh(log 2 / 2) = (2 - 1) / (2 + 1); sigmoid(log 3) = 3 / 4.
  expect("tanh", {f32({3}, {0, kLog2 / 2, 100})}, f32({3}, {0, 1.0F / 3, 1}));
  expect("sigmoid", {f32({3}, {0, 1.098612289F, -200})}, f32({3}, {0.5F, 0.75F, 0}));
  // x times the probability that a normal number is below x: 0.841344746 below 1.
  expect("gelu", {f32({4}, {0, 1, -1, 100})}, f32({4}, {0, 0.841344746F, -0.158655254F, 100}));
}

TEST_P(ExpectedValues, Copies) {
  expect("copy", {i32({2}, {1, -2})}, i32({2}, {1, -2}));
  expect("reshape", {f32({2, 3}, {1, 2, 3, 4, 5, 6})}, f32({3, 2}, {1, 2, 3, 4, 5, 6}),
         with({{"shape", List{3, -1}}}));
}

TEST_P(ExpectedValues, SgdUpdate) {
  expect("sgd_update", {f32({2}, {1, 2}), f32({2}, {10, -10})}, f32({2}, {0, 3}),
         with({{"learning_rate", 0.1}}));
}

// [1 2 3; 4 5 6] [7 8; 9 10; 11 12] = [58 64; 139 154]
TEST_P(ExpectedValues, Matmul) {
  const Tensor a = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor a_transposed = f32({3, 2}, {1, 4, 2, 5, 3, 6});
  const Tensor b = f32({3, 2}, {7, 8, 9, 10, 11, 12});
  const Tensor b_transposed = f32({2, 3}, {7, 9, 11, 8, 10, 12});
  const Tensor product = f32({2, 2}, {58, 64, 139, 154});
  expect("matmul", {a, b}, product);
  expect("matmul", {a_transposed, b}, product, with({{"transpose_a", true}}));
  expect("matmul", {a, b_transposed}, product, with({{"transpose_b", true}}));
  expect("matmul", {a_transposed, b_transposed}, product,
         with({{"transpose_a", true}, {"transpose_b", true}}));
}

TEST_P(ExpectedValues, MatmulOfBatches) {
  expect("matmul", {f32({2, 1, 2}, {1, 2, 3, 4}), f32({2, 2, 1}, {5, 6, 7, 8})},
         f32({2, 1, 1}, {17, 53}));
}

// [1 2; 3 4] [1 -1; 0 2] = [1 3; 3 5]; the bias goes to each row, and relu comes last.
TEST_P(ExpectedValues, MatmulWithBiasAndRelu) {
  const Tensor a = f32({2, 2}, {1, 2, 3, 4});
  const Tensor b = f32({2, 2}, {1, -1, 0, 2});
  const Tensor bias = f32({2}, {-2, 10});
  expect("matmul", {a, b, bias}, f32({2, 2}, {-1, 13, 1, 15}));
  expect("matmul", {a, b, bias}, f32({2, 2}, {0, 13, 1, 15}), with({{"relu", true}}));
  const Tensor matrix = f32({2, 2}, {1, -20, 0.5F, 2});
  expect("matmul", {a, b, matrix}, f32({2, 2}, {2, -17, 3.5F, 7}));
  expect("matmul", {a, b, matrix}, f32({2, 2}, {1.5F, 0, 2, 4.5F}),
         with({{"relu", true}, {"alpha", 0.5}}));
  expect("matmul", {a, b, bias, matrix}, f32({2, 2}, {0, -7, 1.5F, 17}));
  expect("matmul", {a, f32({2, 2}, {-1, 1, 0, 2})}, f32({2, 2}, {0, 5, 0, 11}),
         with({{"relu", true}}));
  expect("matmul", {f32({2, 1, 1}, {1, kNan}), f32({2, 1, 2}, {5, 6, 7, 8}), bias},
         f32({2, 1, 2}, {3, 16, kNan, kNan}), with({{"relu", true}}));
}

// [1 2 3; 4 5 6] [7 8; 9 10; 11 12] = [58 64; 139 154], a half of which is taken off.
TEST_P(ExpectedValues, MatmulSgdUpdate) {
  const Tensor w = f32({2, 2}, {30, 30, 70, 70});
  const Tensor a = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = f32({3, 2}, {7, 8, 9, 10, 11, 12});
  const Tensor updated = f32({2, 2}, {1, -2, 0.5F, -7});
  expect("matmul_sgd_update", {w, a, b}, updated, with({{"learning_rate", 0.5}}));
  expect("matmul_sgd_update",
         {w, f32({3, 2}, {1, 4, 2, 5, 3, 6}), f32({2, 3}, {7, 9, 11, 8, 10, 12})}, updated,
         with({{"learning_rate", 0.5}, {"transpose_a", true}, {"transpose_b", true}}));
}

TEST_P(ExpectedValues, Reductions) {
  const Tensor x = f32({2, 3}, {1, 2, 3, 4, 5, 9});
  expect("sum", {x}, f32({}, {24}));
  expect("sum", {x}, f32({3}, {5, 7, 12}), with({{"axes", List{0}}}));
  expect("sum", {x}, f32({2, 1}, {6, 18}), with({{"axes", List{-1}}, {"keepdims", true}}));
  expect("mean", {x}, f32({}, {4}));
  expect("mean", {x}, f32({2}, {2, 6}), with({{"axes", List{1}}}));
  expect("max", {x}, f32({}, {9}));
  expect("max", {x}, f32({3}, {4, 5, 9}), with({{"axes", List{0}}}));
  expect("sum", {f32({}, {7})}, f32({}, {7}));
  expect("sum", {i32({2, 2}, {kMaxInt, 1, 2, 3})}, i32({2}, {kMinInt, 5}),
         with({{"axes", List{1}}}));
  expect("max", {i32({3}, {-5, -2, kMinInt})}, i32({}, {-2}));
}

// x[i, j, k] = 100 i + 10 j + k; the sum over i and k of (1, j, 2).
TEST_P(ExpectedValues, ReductionsOfAxesThatAreNotNeighbours) {
  const Tensor x = f32({2, 2, 2}, {0, 1, 10, 11, 100, 101, 110, 111});
  expect("sum", {x}, f32({2}, {202, 242}), with({{"axes", List{0, 2}}}));
}

TEST_P(ExpectedValues, NotANumberIsTheLargest) {
  expect("max", {f32({2, 2}, {kNan, 1, 2, -kInf})}, f32({2}, {kNan, 2}), with({{"axes", List{1}}}));
  expect("max", {f32({2, 2}, {kNan, 1, 2, -kInf})}, f32({2}, {kNan, 1}), with({{"axes", List{0}}}));
  expect("max", {f32({2}, {-kInf, -kInf})}, f32({}, {-kInf}));
  expect("argmax", {f32({2, 3}, {1, kNan, kNan, 3, 2, 1})}, i32({2}, {1, 0}));
}

TEST_P(ExpectedValues, ArgmaxTakesTheLowestOfEquals) {
  const Tensor x = f32({2, 3}, {1, 5, 5, 7, 7, 2});
  expect("argmax", {x}, i32({2}, {1, 0}));
  expect("argmax", {x}, i32({3}, {1, 1, 0}), with({{"axis", int64_t{0}}}));
  expect("argmax", {i32({3}, {-3, -1, -1})}, i32({}, {1}));
}

// exp(log 3) : exp(0) = 3 : 1. Large logits must not overflow.
TEST_P(ExpectedValues, Softmax) {
  const float log3 = 1.098612289F;
  expect("softmax", {f32({2, 2}, {log3, 0, 1000, 1000})}, f32({2, 2}, {0.75F, 0.25F, 0.5F, 0.5F}));
  expect("softmax", {f32({2, 2}, {log3, 5, 0, 5})}, f32({2, 2}, {0.75F, 0.5F, 0.25F, 0.5F}),
         with({{"axis", int64_t{0}}}));
}

// Row 0 gives the label probability 3/4, row 1 gives 1/2: the loss is (log 4/3 + log 2) / 2.
TEST_P(ExpectedValues, SoftmaxCrossEntropy) {
  const Tensor logits = f32({2, 2}, {1.098612289F, 0, 7, 7});
  const Tensor label = i32({2}, {0, 1});
  expect("softmax_cross_entropy", {logits, label}, f32({}, {(0.287682072F + kLog2) / 2}));
  expect("softmax_cross_entropy_grad", {logits, label},
         f32({2, 2}, {-0.125F, 0.125F, 0.25F, -0.25F}));
  expect("softmax_cross_entropy_grad", {logits, label}, f32({2, 2}, {-2.5F, 2.5F, 5, -5}),
         with({{"scale", 10.0}}));
}

TEST_P(ExpectedValues, LabelsThatNameNoClassGiveNotANumber) {
  const Tensor logits = f32({3, 2}, {0, 0, 0, 0, 0, 0});
  for (const int32_t bad : {-1, 2, kMinInt, kMaxInt}) {
    const Tensor label = i32({3}, {0, bad, 1});
    expect("softmax_cross_entropy", {logits, label}, f32({}, {kNan}));
    expect("softmax_cross_entropy_grad", {logits, label},
           f32({3, 2}, {-0.5F, 0.5F, kNan, kNan, 0.5F, -0.5F}), with({{"scale", 1.0}}));
  }
}

TEST_P(ExpectedValues, Transpose) {
  expect("transpose", {f32({2, 3}, {1, 2, 3, 4, 5, 6})}, f32({3, 2}, {1, 4, 2, 5, 3, 6}));
  // x[i, j, k] = 100 i + 10 j + k; y[k, i, j] = x[i, j, k].
  expect("transpose", {i32({2, 1, 3}, {0, 1, 2, 100, 101, 102})},
         i32({3, 2, 1}, {0, 100, 1, 101, 2, 102}), with({{"axes", List{2, 0, 1}}}));
  expect("transpose", {f32({}, {7})}, f32({}, {7}), with({{"axes", List{}}}));
}

TEST_P(ExpectedValues, SliceAndConcat) {
  const Tensor x = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  expect("slice", {x}, f32({2, 2}, {3, 4, 5, 6}),
         with({{"begin", int64_t{1}}, {"end", int64_t{3}}}));
  expect("slice", {x}, f32({3, 1}, {2, 4, 6}),
         with({{"axis", int64_t{-1}}, {"begin", int64_t{1}}, {"end", int64_t{2}}}));
  expect("concat", {x, f32({1, 2}, {7, 8})}, f32({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  expect("concat", {i32({2, 1}, {1, 2}), i32({2, 2}, {3, 4, 5, 6})},
         i32({2, 3}, {1, 3, 4, 2, 5, 6}), with({{"axis", int64_t{1}}}));
}

}  // namespace
}  // namespace graphrt
