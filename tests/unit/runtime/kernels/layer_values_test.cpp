// Norms, embeddings and dropout against numbers worked out by hand.
#include <cmath>

#include "expected_values.h"

namespace graphrt {
namespace {

class LayerValues : public ExpectedValues {};
INSTANTIATE_TEST_SUITE_P(BackEnds, LayerValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

// Rows [1 3] and [3 1] lie 1 from their mean: with 3 added, the deviation is sqrt(1 + 3) = 2, and
// xhat is [-1/2 1/2] and [1/2 -1/2].
TEST_P(LayerValues, LayerNorm) {
  const Tensor x = f32({2, 2}, {1, 3, 3, 1});
  const Attributes three = with({{"epsilon", 3.0}});
  expect("layer_norm", {x, f32({2}, {2, 10}), f32({2}, {1, -1})}, f32({2, 2}, {0, 4, 2, -6}),
         three);
  // The derivative of t / sqrt(t^2 + 3), with t = (x0 - x1) / 2 = -1, is 3 / 8 by t: 3 / 16 by x0.
  expect("layer_norm_grad", {f32({1, 2}, {1, 0}), f32({1, 2}, {1, 3}), f32({2}, {2, 4})},
         f32({1, 2}, {0.375F, -0.375F}), three);
  expect("layer_norm_scale_grad", {f32({2, 2}, {1, 2, 3, 4}), x}, f32({2}, {1, -1}), three);
}

// [3 4] has the mean square 12.5: with 3.5 added, the root is 4, and xhat is [3/4 1].
TEST_P(LayerValues, RmsNorm) {
  const Tensor x = f32({2}, {3, 4});
  const Attributes added = with({{"epsilon", 3.5}});
  expect("rms_norm", {x, f32({2}, {4, 1})}, f32({2}, {3, 1}), added);
  // (u - xhat * mean(u * xhat)) / 4 with u = [1 0]: mean 3/8, so [1 - 9/32, -3/8] / 4.
  expect("rms_norm_grad", {f32({2}, {0.5F, 0}), x, f32({2}, {2, 1})},
         f32({2}, {0.1796875F, -0.09375F}), added);
  expect("rms_norm_scale_grad", {f32({2, 2}, {1, 2, 4, 8}), f32({2, 2}, {3, 4, 3, 4})},
         f32({2}, {3.75F, 10}), added);
}

// Elements that are equal have no deviation at all, however large they are.
TEST_P(LayerValues, EqualElementsBecomeTheShift) {
  const Tensor x = f32({2, 3}, {1e6F, 1e6F, 1e6F, 0.1F, 0.1F, 0.1F});
  expect("layer_norm", {x, f32({3}, {1, 2, 3}), f32({3}, {4, 5, 6})},
         f32({2, 3}, {4, 5, 6, 4, 5, 6}));
}

// With 1e-5 beside a variance of 0 the deviation is 0.00316...; with 1e-6 it is 0.001.
TEST_P(LayerValues, DefaultEpsilons) {
  expect("layer_norm_grad", {f32({1}, {1}), f32({1}, {7}), f32({1}, {1})}, f32({1}, {0}));
  expect("layer_norm", {f32({2}, {-1e-3F, 1e-3F}), f32({2}, {1, 1}), f32({2}, {0, 0})},
         f32({2}, {-0.301511345F, 0.301511345F}));
  expect("rms_norm", {f32({1}, {1e-3F}), f32({1}, {1})}, f32({1}, {0.707106781F}));
}

TEST_P(LayerValues, NotANumberStaysInItsRow) {
  expect("layer_norm", {f32({2, 2}, {kNan, 1, 5, 5}), f32({2}, {1, 1}), f32({2}, {7, 8})},
         f32({2, 2}, {kNan, kNan, 7, 8}));
}

TEST_P(LayerValues, EmbeddingTakesRowsOfTheTable) {
  const Tensor table = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  expect("embedding", {table, i32({2, 2}, {2, 0, 0, 1})}, f32({2, 2, 2}, {5, 6, 1, 2, 1, 2, 3, 4}));
  expect("embedding", {table, i32({}, {1})}, f32({2}, {3, 4}));
}

TEST_P(LayerValues, EmbeddingGradAddsUpRowsOfEqualIndex) {
  expect("embedding_grad", {f32({3, 2}, {1, 2, 10, 20, 100, 200}), i32({3}, {2, 0, 2})},
         f32({4, 2}, {10, 20, 0, 0, 101, 202, 0, 0}), with({{"rows", int64_t{4}}}));
}

TEST_P(LayerValues, IndicesThatNameNoRowGiveNotANumberAndAddNothing) {
  for (const int32_t bad : {-1, 2, INT32_MIN, INT32_MAX}) {
    const Tensor index = i32({2}, {bad, 1});
    expect("embedding", {f32({2, 2}, {1, 2, 3, 4}), index}, f32({2, 2}, {kNan, kNan, 3, 4}));
    expect("embedding_grad", {f32({2, 1}, {5, 7}), index}, f32({2, 1}, {0, 7}),
           with({{"rows", int64_t{2}}}));
  }
}

// Philox of counter 0 and key 0 gives, over 2^32, 0.399 0.881 0.736 0.605.
TEST_P(LayerValues, DropoutKeepsWhatItsRandomNumbersSay) {
  const Tensor x = f32({2, 2}, {1, 2, 3, 4});
  const Tensor step = i32({}, {0});
  expect("dropout", {x, step}, f32({2, 2}, {0, 4, 6, 8}), with({{"rate", 0.5}}));
  expect("dropout", {x, step}, f32({2, 2}, {0, 2 / 0.3F, 3 / 0.3F, 0}), with({{"rate", 0.7}}));
  expect("dropout", {x, step}, x, with({{"rate", 0.0}}));
}

// Seed, step and the upper half of an index go into it too: 0.929 0.195 0.097 0.238 0.056 0.061,
// by an implementation of Philox in another language.
TEST_P(LayerValues, DropoutCountsElementsFromTheFirst) {
  const Tensor x = f32({6}, {17, 17, 17, 17, 17, kNan});
  expect("dropout", {x, i32({}, {7})}, f32({6}, {20, 20, 0, 20, 0, 0}),
         with({{"rate", 0.15}, {"seed", int64_t{-3}}, {"first", (int64_t{1} << 33) + 2}}));
}

}  // namespace
}  // namespace graphrt
