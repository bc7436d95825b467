#include "extreme_label_cases.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "expected_values.h"

namespace graphrt {
namespace {

constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kEndless = std::numeric_limits<float>::infinity();
constexpr float kLog2 = 0.693147181F;
constexpr float kLog4 = 1.386294361F;

using LabelCases = std::vector<ExtremeCase>;

Tensor loss_of(float element) { return f32({}, {element}); }

LabelCases cross_entropy_cases() {
  const Tensor flat = f32({1, 4}, {-1e30F, -1e30F, -1e30F, -1e30F});
  const Tensor far = f32({2, 2}, {-3e38F, 3e38F, 0, -kEndless});
  const Tensor labels = i32({2}, {0, 0});
  return {
      {"CrossEntropy", "softmax_cross_entropy", {flat, i32({1}, {3})}, loss_of(kLog4)},
      {"CrossEntropyGrad",
       "softmax_cross_entropy_grad",
       {flat, i32({1}, {3})},
       f32({1, 4}, {0.25F, 0.25F, 0.25F, -0.75F})},
      // One loss is 6e38, no float; the mean of it and 0 is one.
      {"CrossEntropyOfFarLogits", "softmax_cross_entropy", {far, labels}, loss_of(3e38F)},
      {"CrossEntropyGradOfFarLogits",
       "softmax_cross_entropy_grad",
       {far, labels},
       f32({2, 2}, {-1, 1, 0, 0}),
       with({{"scale", 1.0}})},
      {"CrossEntropyOfAnImpossibleLabel",
       "softmax_cross_entropy",
       {f32({1, 2}, {0, -kEndless}), i32({1}, {1})},
       loss_of(kEndless)},
      {"CrossEntropyGradOfAnImpossibleLabel",
       "softmax_cross_entropy_grad",
       {f32({1, 2}, {0, -kEndless}), i32({1}, {1})},
       f32({1, 2}, {1, -1})},
      {"CrossEntropyOfInfinity",
       "softmax_cross_entropy",
       {f32({1, 2}, {kEndless, 0}), i32({1}, {0})},
       loss_of(kNoNumber)},
      {"CrossEntropyGradOfNan",
       "softmax_cross_entropy_grad",
       {f32({2, 2}, {kNoNumber, 0, 0, 0}), labels},
       f32({2, 2}, {kNoNumber, kNoNumber, -0.5F, 0.5F}),
       with({{"scale", 1.0}})},
  };
}

/// What does not count does not show, whatever it is; of labels alone that is said.
LabelCases ignored_label_cases() {
  const Tensor logits = f32({3, 2}, {kNoNumber, kEndless, -3e38F, 3e38F, 0, 0});
  const Tensor labels = i32({3}, {-100, -100, 1});
  const Attributes ignoring = with({{"ignore_index", int64_t{-100}}});
  const Attributes summing = with({{"ignore_index", int64_t{-100}}, {"reduction", "sum"}});
  const Attributes doubled = with({{"ignore_index", int64_t{-100}}, {"scale", 2.0}});
  const Tensor none = i32({3}, {-100, -100, -100});
  const Tensor zero = f32({3, 2}, {0, 0, 0, 0, 0, 0});
  return {
      {"CrossEntropyOfWhatCounts",
       "softmax_cross_entropy",
       {logits, labels},
       loss_of(kLog2),
       ignoring},
      {"SumOfCrossEntropyOfWhatCounts",
       "softmax_cross_entropy",
       {logits, labels},
       loss_of(kLog2),
       summing},
      {"CrossEntropyOfNothing",
       "softmax_cross_entropy",
       {logits, none},
       loss_of(kNoNumber),
       ignoring},
      {"SumOfCrossEntropyOfNothing", "softmax_cross_entropy", {logits, none}, loss_of(0), summing},
      {"CrossEntropyGradOfWhatCounts",
       "softmax_cross_entropy_grad",
       {logits, labels},
       f32({3, 2}, {0, 0, 0, 0, 1, -1}),
       doubled},
      {"CrossEntropyGradOfNothing",
       "softmax_cross_entropy_grad",
       {logits, none, loss_of(kEndless)},
       zero,
       doubled},
      {"CrossEntropyGradOfAGradient",
       "softmax_cross_entropy_grad",
       {logits, labels, loss_of(-3)},
       f32({3, 2}, {0, 0, 0, 0, -3, 3}),
       doubled},
      {"AccuracyOfWhatCounts",
       "accuracy",
       {logits, i32({3}, {-100, -100, 0})},
       loss_of(1),
       ignoring},
      {"AccuracyOfNothing", "accuracy", {logits, none}, loss_of(kNoNumber), ignoring},
      {"NumberOfRightLabels",
       "accuracy",
       {logits, i32({3}, {0, 1, 1})},
       loss_of(2),
       with({{"reduction", "sum"}})},
  };
}

/// A share of a label that is every class's makes every far logit a loss.
LabelCases smoothed_label_cases() {
  const Tensor far = f32({1, 2}, {0, -kEndless});
  const Tensor first = i32({1}, {0});
  const Attributes half = with({{"label_smoothing", 0.5}});
  const Attributes all = with({{"label_smoothing", 1.0}});
  return {
      {"SmoothedCrossEntropy",
       "softmax_cross_entropy",
       {f32({1, 2}, {3, 3}), first},
       loss_of(kLog2),
       half},
      {"SmoothedCrossEntropyOfAnImpossibleClass",
       "softmax_cross_entropy",
       {far, first},
       loss_of(kEndless),
       half},
      {"EvenCrossEntropyOfAnImpossibleLabel",
       "softmax_cross_entropy",
       {far, i32({1}, {1})},
       loss_of(kEndless),
       all},
      {"SmoothedCrossEntropyGrad",
       "softmax_cross_entropy_grad",
       {far, first},
       f32({1, 2}, {0.25F, -0.25F}),
       half},
      {"EvenCrossEntropyGrad",
       "softmax_cross_entropy_grad",
       {far, i32({1}, {1})},
       f32({1, 2}, {0.5F, -0.5F}),
       all},
      {"SmoothedCrossEntropyOfNoClass",
       "softmax_cross_entropy",
       {far, i32({1}, {2})},
       loss_of(kNoNumber),
       half},
  };
}

}  // namespace

std::vector<ExtremeCase> extreme_label_cases() {
  LabelCases all;
  for (const auto part : {cross_entropy_cases, ignored_label_cases, smoothed_label_cases}) {
    std::ranges::move(part(), std::back_inserter(all));
  }
  return all;
}

}  // namespace graphrt
