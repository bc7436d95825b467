#include "runtime/kernels/reference/loops.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/op/op_table.h"

namespace graphrt::reference {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

/// Exponentials of a row, each over that of its largest element: none overflows. They are not put
/// together to log(sum(exp(row))), beside which a large logit would leave nothing of the sum.
struct RowExponentials {
  double largest;
  double total;

  explicit RowExponentials(std::span<const double> row)
      : largest(*std::max_element(row.begin(), row.end())), total(0) {
    for (const double logit : row) total += of(logit);
  }
  double of(double logit) const { return std::exp(logit - largest); }
  double probability(double logit) const { return of(logit) / total; }
  /// -log(probability(logit))
  double loss(double logit) const { return std::log(total) + (largest - logit); }
};

/// The cross entropy of a row with what its label says: a share of `smoothing` is every class's.
double loss_of_row(std::span<const double> row, int64_t label, double smoothing) {
  const RowExponentials exponentials(row);
  double loss = 0;
  for (size_t j = 0; j < row.size(); ++j) {
    const double of_label = static_cast<int64_t>(j) == label ? 1 - smoothing : 0;
    const double target = of_label + smoothing / static_cast<double>(row.size());
    if (target > 0) loss += target * exponentials.loss(row[j]);
  }
  return loss;
}

/// What row number `row`, counted over all matrices of `shape`, uses of its columns.
int64_t num_causal_columns(const Shape& shape, int64_t row) {
  const int64_t num_rows = shape[shape.size() - 2];
  return std::min(row % num_rows + 1, shape.back());
}

bool is_class(int64_t label, size_t num_classes) {
  return label >= 0 && static_cast<size_t>(label) < num_classes;
}

/// The shape that a reduction of `input` has when the reduced dimensions stay as 1.
Shape kept_shape(const TensorType& input, const Attributes& attributes) {
  Shape shape = input.shape;
  for (const int64_t axis : normalized_axes(attributes.list("axes"), input.rank())) {
    shape[static_cast<size_t>(axis)] = 1;
  }
  return shape;
}

std::vector<double> sums_of(const Tensor& input, const Shape& kept, const Tensor& result) {
  std::vector<double> totals(static_cast<size_t>(result.type.num_elements()), 0);
  const std::vector<double> x = numbers_of(input);
  for (size_t i = 0; i < x.size(); ++i) {
    totals[index_in_smaller(static_cast<int64_t>(i), input.type.shape, kept)] += x[i];
  }
  return totals;
}

/// Wraps around where the sum leaves 32 bits.
void sum_i32(const Tensor& input, const Shape& kept, Tensor& result) {
  const auto x = input.as<int32_t>();
  const auto y = result.as<int32_t>();
  std::vector<uint32_t> totals(y.size(), 0);
  for (size_t i = 0; i < x.size(); ++i) {
    totals[index_in_smaller(static_cast<int64_t>(i), input.type.shape, kept)] +=
        static_cast<uint32_t>(x[i]);
  }
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<int32_t>(totals[i]);
}

/// Whether `x` takes the place of the largest element so far; a NaN is larger than all numbers.
bool is_larger(double x, double largest) {
  return !std::isnan(largest) && (std::isnan(x) || x > largest);
}

}  // namespace

bool is_ignored(int64_t label, const Attributes& attributes) {
  return attributes.find("ignore_index") != nullptr &&
         attributes.integer("ignore_index", 0) == label;
}

bool is_sum(const Attributes& attributes) { return attributes.text("reduction", "mean") == "sum"; }

AxisView view_around(const Shape& shape, int64_t axis) {
  const int64_t from_front = axis < 0 ? axis + static_cast<int64_t>(shape.size()) : axis;
  AxisView view;
  for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); ++i) {
    const int64_t size = shape[static_cast<size_t>(i)];
    if (i < from_front) view.outer *= size;
    if (i == from_front) view.size = size;
    if (i > from_front) view.inner *= size;
  }
  return view;
}

size_t index_in_smaller(int64_t flat, const Shape& shape, const Shape& smaller) {
  int64_t index = 0;
  int64_t stride = 1;
  for (size_t from_end = 1; from_end <= smaller.size(); ++from_end) {
    const int64_t size = shape[shape.size() - from_end];
    const int64_t smaller_size = smaller[smaller.size() - from_end];
    if (smaller_size != 1) index += flat % size * stride;
    flat /= size;
    stride *= smaller_size;
  }
  return static_cast<size_t>(index);
}

std::vector<double> numbers_of(const Tensor& tensor) {
  return with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    std::vector<double> numbers;
    numbers.reserve(tensor.as<T>().size());
    for (const T element : tensor.as<T>()) numbers.push_back(static_cast<double>(widened(element)));
    return numbers;
  });
}

std::vector<int64_t> integers_of(const Tensor& tensor) {
  return with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    std::vector<int64_t> integers;
    integers.reserve(tensor.as<T>().size());
    for (const T element : tensor.as<T>()) {
      integers.push_back(static_cast<int64_t>(widened(element)));
    }
    return integers;
  });
}

void put_numbers(std::span<const double> numbers, Tensor& result) {
  with_element_type(result.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    std::transform(numbers.begin(), numbers.end(), result.as<T>().begin(),
                   [](double number) { return narrowed<T>(number); });
  });
}

void softmax(Operands inputs, const Attributes& attributes, Results results) {
  const AxisView view = view_around(results[0].type.shape, attributes.integer("axis", -1));
  const bool is_causal = attributes.flag("causal");
  const std::vector<double> x = numbers_of(*inputs[0]);
  std::vector<double> y(x.size(), 0);
  for (int64_t o = 0; o < view.outer; ++o) {
    for (int64_t n = 0; n < view.inner; ++n) {
      // A causal softmax has matrices of rows and columns in the end: rows are numbered by o.
      const int64_t num_used = is_causal ? num_causal_columns(results[0].type.shape, o) : view.size;
      std::vector<double> row;
      for (int64_t i = 0; i < num_used; ++i) row.push_back(x[view.index(o, i, n)]);
      const RowExponentials exponentials(row);
      for (int64_t i = 0; i < num_used; ++i) {
        const size_t index = view.index(o, i, n);
        y[index] = exponentials.probability(x[index]);
      }
    }
  }
  put_numbers(y, results[0]);
}

void softmax_grad(Operands inputs, const Attributes& attributes, Results results) {
  const AxisView view = view_around(results[0].type.shape, attributes.integer("axis", -1));
  const std::vector<double> gradient = numbers_of(*inputs[0]);
  const std::vector<double> y = numbers_of(*inputs[1]);
  std::vector<double> x_gradient(y.size());
  for (int64_t o = 0; o < view.outer; ++o) {
    for (int64_t n = 0; n < view.inner; ++n) {
      double total = 0;
      for (int64_t i = 0; i < view.size; ++i) {
        const size_t index = view.index(o, i, n);
        total += gradient[index] * y[index];
      }
      for (int64_t i = 0; i < view.size; ++i) {
        const size_t index = view.index(o, i, n);
        x_gradient[index] = y[index] * (gradient[index] - total);
      }
    }
  }
  put_numbers(x_gradient, results[0]);
}

void softmax_cross_entropy(Operands inputs, const Attributes& attributes, Results results) {
  const std::vector<double> logits = numbers_of(*inputs[0]);
  const std::vector<int64_t> label = integers_of(*inputs[1]);
  const double smoothing = attributes.number("label_smoothing", 0);
  const size_t num_classes = logits.size() / label.size();
  double total = 0;
  double num_counted = 0;
  for (size_t i = 0; i < label.size(); ++i) {
    if (is_ignored(label[i], attributes)) continue;
    ++num_counted;
    const auto row = std::span(logits).subspan(i * num_classes, num_classes);
    total += is_class(label[i], num_classes) ? loss_of_row(row, label[i], smoothing) : kNotANumber;
  }
  results[0].as<float>()[0] = static_cast<float>(is_sum(attributes) ? total : total / num_counted);
}

void softmax_cross_entropy_grad(Operands inputs, const Attributes& attributes, Results results) {
  const std::vector<double> logits = numbers_of(*inputs[0]);
  const std::vector<int64_t> label = integers_of(*inputs[1]);
  std::vector<double> y(logits.size());
  const size_t num_classes = logits.size() / label.size();
  double factor = attributes.number("scale", 1 / static_cast<double>(label.size()));
  if (inputs.size() > 2) factor *= numbers_of(*inputs[2])[0];
  const double smoothing = attributes.number("label_smoothing", 0);
  for (size_t i = 0; i < label.size(); ++i) {
    if (is_ignored(label[i], attributes)) continue;
    const auto row = std::span(logits).subspan(i * num_classes, num_classes);
    const RowExponentials exponentials(row);
    for (size_t j = 0; j < num_classes; ++j) {
      const double is_label = static_cast<int64_t>(j) == label[i] ? 1 : 0;
      const double target =
          (1 - smoothing) * is_label + smoothing / static_cast<double>(num_classes);
      const double gradient = (exponentials.probability(row[j]) - target) * factor;
      y[i * num_classes + j] = is_class(label[i], num_classes) ? gradient : kNotANumber;
    }
  }
  put_numbers(y, results[0]);
}

void sum(Operands inputs, const Attributes& attributes, Results results) {
  const Shape kept = kept_shape(inputs[0]->type, attributes);
  if (!is_float(results[0].type.element)) return sum_i32(*inputs[0], kept, results[0]);
  put_numbers(sums_of(*inputs[0], kept, results[0]), results[0]);
}

void mean(Operands inputs, const Attributes& attributes, Results results) {
  const Shape kept = kept_shape(inputs[0]->type, attributes);
  std::vector<double> totals = sums_of(*inputs[0], kept, results[0]);
  const int64_t terms = inputs[0]->type.num_elements() / std::ssize(totals);
  for (double& total : totals) total /= static_cast<double>(terms);
  put_numbers(totals, results[0]);
}

void max(Operands inputs, const Attributes& attributes, Results results) {
  const Shape kept = kept_shape(inputs[0]->type, attributes);
  const std::vector<double> x = numbers_of(*inputs[0]);
  std::vector<double> y(static_cast<size_t>(results[0].type.num_elements()),
                        -std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < x.size(); ++i) {
    double& largest = y[index_in_smaller(static_cast<int64_t>(i), inputs[0]->type.shape, kept)];
    if (is_larger(x[i], largest)) largest = x[i];
  }
  // -0 becomes 0, and the order of zeros does not matter.
  for (double& largest : y) largest += 0;
  put_numbers(y, results[0]);
}

void argmax(Operands inputs, const Attributes& attributes, Results results) {
  const AxisView view = view_around(inputs[0]->type.shape, attributes.integer("axis", -1));
  const std::vector<double> x = numbers_of(*inputs[0]);
  const auto y = results[0].as<int32_t>();
  for (int64_t o = 0; o < view.outer; ++o) {
    for (int64_t n = 0; n < view.inner; ++n) {
      int64_t best = 0;
      for (int64_t i = 1; i < view.size; ++i) {
        if (is_larger(x[view.index(o, i, n)], x[view.index(o, best, n)])) best = i;
      }
      y[static_cast<size_t>(o * view.inner + n)] = static_cast<int32_t>(best);
    }
  }
}

}  // namespace graphrt::reference
