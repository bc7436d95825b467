#include "tests/property/autodiff/random_loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/autodiff/gradient_rules.h"
#include "runtime/base/check.h"
#include "runtime/base/tensor.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/op/element_function.h"

namespace graphc {

using graphrt::Attributes;
using graphrt::ElementType;
using graphrt::Shape;
using graphrt::TensorType;

namespace {

constexpr int64_t kMaxElements = 48;

Attributes with(const char* name, graphrt::AttributeValue value) {
  Attributes attributes;
  attributes.set(name, std::move(value));
  return attributes;
}

/// Of an operator of one element: whether it has a finite result there.
bool is_finite_at(std::string_view op, float x) {
  graphrt::Tensor operand = graphrt::zeros({ElementType::kF32, {}});
  operand.as<float>()[0] = x;
  const std::vector<const graphrt::Tensor*> operands = {&operand};
  const graphrt::Tensor result = graphrt::evaluate_reference(op, operands, {}, operand.type);
  return std::isfinite(result.as<float>()[0]);
}

}  // namespace

const std::vector<RandomLoss::MakerRow>& RandomLoss::makers() {
  static const std::vector<MakerRow> rows = [] {
    std::vector<MakerRow> all = makers_by_hand();
    for (const GradientRow& row : all_gradient_rules()) {
      const bool is_known = std::any_of(all.begin(), all.end(),
                                        [&](const MakerRow& known) { return known.op == row.op; });
      const bool is_element =
          graphrt::find_element_function(row.op) || graphrt::find_op(row.op)->is_composite();
      if (!is_known && is_element) all.push_back({row.op, nullptr});
    }
    return all;
  }();
  return rows;
}

std::vector<RandomLoss::MakerRow> RandomLoss::makers_by_hand() {
  return {
      {"add", &RandomLoss::make_add},
      {"attention", &RandomLoss::make_attention},
      {"packed_attention", &RandomLoss::make_packed_attention},
      {"binary_cross_entropy", &RandomLoss::make_binary_cross_entropy},
      {"broadcast", &RandomLoss::make_broadcast},
      {"cast", &RandomLoss::make_cast},
      {"concat", &RandomLoss::make_concat},
      {"copy", &RandomLoss::make_copy},
      {"div", &RandomLoss::make_div},
      {"dropout", &RandomLoss::make_dropout},
      {"embedding", &RandomLoss::make_embedding},
      {"layer_norm", &RandomLoss::make_layer_norm},
      {"matmul", &RandomLoss::make_matmul},
      {"max", &RandomLoss::make_max},
      {"mean", &RandomLoss::make_mean},
      {"mse", &RandomLoss::make_mse},
      {"mul", &RandomLoss::make_mul},
      {"pad", &RandomLoss::make_pad},
      {"reshape", &RandomLoss::make_reshape},
      {"rms_norm", &RandomLoss::make_rms_norm},
      {"scale", &RandomLoss::make_scale},
      {"select", &RandomLoss::make_select},
      {"slice", &RandomLoss::make_slice},
      {"softmax", &RandomLoss::make_softmax},
      {"softmax_cross_entropy", &RandomLoss::make_softmax_cross_entropy},
      {"sub", &RandomLoss::make_sub},
      {"sum", &RandomLoss::make_sum},
      {"sum_of_squares", &RandomLoss::make_sum_of_squares},
      {"transpose", &RandomLoss::make_transpose},
  };
}

bool RandomLoss::can_use(std::string_view op) {
  return std::any_of(makers().begin(), makers().end(),
                     [&](const MakerRow& row) { return row.op == op; });
}

RandomLoss::RandomLoss(unsigned seed, std::string_view op) : random_(seed + 1) {
  text_ = "graph random\n";
  const auto wanted = std::find_if(makers().begin(), makers().end(),
                                   [&](const MakerRow& row) { return row.op == op; });
  CHECK(wanted != makers().end(), "nothing makes " + std::string(op));
  Shape shape(static_cast<size_t>(number(0, 3)));
  for (int64_t& size : shape) size = number(1, 4);
  values_.push_back(parameter(shape));
  const auto num_makers = static_cast<int64_t>(makers().size());
  const int64_t length = number(1, 6);
  const int64_t turn = number(0, length - 1);
  Operand x = values_.back();
  for (int64_t i = 0; i < length; ++i) {
    const MakerRow& row =
        i == turn ? *wanted : makers()[static_cast<size_t>(number(0, num_makers - 1))];
    x = row.make != nullptr ? (this->*row.make)(x) : make_element(row.op, x);
    values_.push_back(x);
    // What grew large, or is one number already, gives way to another value.
    if (x.type.num_elements() > kMaxElements || (x.type.rank() == 0 && coin())) {
      x = values_[static_cast<size_t>(number(0, static_cast<int64_t>(values_.size()) - 1))];
    }
    if (x.type.num_elements() > kMaxElements) x = node("mean", {x});
  }
  finish();
}

void RandomLoss::finish() {
  std::vector<Operand> terms;
  for (const Operand& value : values_) {
    // Weights, so that no gradient is zero by symmetry; or none, so that it is one number.
    const Operand term = coin() ? node("mul", {value, input(value.type.shape)}) : value;
    const Operand total = node(coin() ? "sum" : "mean", {term});
    terms.push_back(coin() ? total : node("scale", {total}, with("factor", 0.5)));
  }
  Operand loss = terms.front();
  for (size_t i = 1; i < terms.size(); ++i) loss = node("add", {loss, terms[i]});
  text_ += "%loss = copy(%" + loss.name + ")\noutput %loss\n" +
           "train %loss sgd(learning_rate=1, weight_decay=0)\n";
}

int64_t RandomLoss::number(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
}

RandomLoss::Operand RandomLoss::declare(const std::string& line_start, TensorType type,
                                        const std::string& line_end) {
  const std::string name = "v" + std::to_string(next_name_++);
  text_ += line_start + "%" + name + " : " + to_string(type) + line_end + "\n";
  return {name, std::move(type)};
}

RandomLoss::Operand RandomLoss::parameter(const Shape& shape) {
  return declare("state ", {ElementType::kF32, shape}, " init uniform(low=-1, high=1, seed=1)");
}

RandomLoss::Operand RandomLoss::input(const Shape& shape) {
  return declare("input ", {ElementType::kF32, shape}, "");
}

RandomLoss::Operand RandomLoss::indices(const Shape& shape, int64_t size) {
  const TensorType type{ElementType::kI32, shape};
  std::string list;
  for (int64_t i = 0; i < type.num_elements(); ++i) {
    list += (i > 0 ? ", " : "") + std::to_string(number(0, size - 1));
  }
  return declare("constant ", type, " = [" + list + "]");
}

RandomLoss::Operand RandomLoss::node(std::string_view op, const std::vector<Operand>& inputs,
                                     const Attributes& attributes) {
  std::vector<TensorType> types;
  std::string list;
  for (const Operand& operand : inputs) {
    types.push_back(operand.type);
    list += (list.empty() ? "%" : ", %") + operand.name;
  }
  const auto type = infer_type(*graphrt::find_op(op), types, attributes);
  CHECK(type.has_value(), type ? "" : type.error().message);
  std::string settings;
  for (const graphrt::Attribute& attribute : attributes) {
    settings += (settings.empty() ? "" : ", ") + attribute.name + " = " +
                graphrt::to_string(attribute.value);
  }
  const std::string name = "v" + std::to_string(next_name_++);
  text_ += "%" + name + " = " + std::string(op) + "(" + list + ")" +
           (settings.empty() ? "" : " {" + settings + "}") + "\n";
  return {name, *type};
}

RandomLoss::Operand RandomLoss::either_way(std::string_view op, const Operand& a,
                                           const Operand& b) {
  return coin() ? node(op, {a, b}) : node(op, {b, a});
}

RandomLoss::Operand RandomLoss::partner_of(const Operand& x) {
  const Operand& other =
      values_[static_cast<size_t>(number(0, static_cast<int64_t>(values_.size()) - 1))];
  const std::vector<TensorType> both = {x.type, other.type};
  const bool fits = infer_type(*graphrt::find_op("add"), both, {}).has_value();
  if (fits && coin()) return other;
  Shape shape = x.type.shape;
  for (int64_t& size : shape) {
    if (number(0, 2) == 0) size = 1;
  }
  shape.erase(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(
                                                 number(0, static_cast<int64_t>(shape.size()))));
  if (coin() && x.type.num_elements() < kMaxElements / 2 && x.type.rank() < 4) {
    shape = x.type.shape;
    shape.insert(shape.begin(), 2);
  }
  return parameter(shape);
}

RandomLoss::Operand RandomLoss::partner_of_same_shape(const Operand& x) {
  const Operand& other =
      values_[static_cast<size_t>(number(0, static_cast<int64_t>(values_.size()) - 1))];
  return other.type == x.type && coin() ? other : parameter(x.type.shape);
}

RandomLoss::Operand RandomLoss::above_half(const Operand& x) {
  const Operand half = declare("constant ", {ElementType::kF32, {}}, " = 0.5");
  return node("add", {node("sigmoid", {x}), half});
}

RandomLoss::Operand RandomLoss::matrix_of(const Operand& x) {
  if (x.type.rank() == 2) return x;
  const int64_t rows = x.type.rank() > 0 ? x.type.shape[0] : 1;
  return node("reshape", {x}, with("shape", Shape{rows, x.type.num_elements() / rows}));
}

RandomLoss::Operand RandomLoss::at_least_a_vector(const Operand& x) {
  if (x.type.rank() > 0) return x;
  return node("reshape", {x}, with("shape", Shape{1}));
}

Attributes RandomLoss::random_axes(const Operand& x) {
  Attributes attributes;
  if (coin()) attributes.set("keepdims", true);
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < x.type.rank(); ++axis) {
    if (coin()) axes.push_back(coin() ? axis : axis - x.type.rank());
  }
  if (!axes.empty()) attributes.set("axes", axes);
  return attributes;
}

RandomLoss::Operand RandomLoss::make_add(const Operand& x) {
  return either_way("add", x, partner_of(x));
}
RandomLoss::Operand RandomLoss::make_sub(const Operand& x) {
  return either_way("sub", x, partner_of(x));
}
RandomLoss::Operand RandomLoss::make_mul(const Operand& x) {
  return either_way("mul", x, partner_of(x));
}
RandomLoss::Operand RandomLoss::make_div(const Operand& x) {
  const Operand partner = partner_of(x);
  return coin() ? node("div", {x, above_half(partner)}) : node("div", {partner, above_half(x)});
}
RandomLoss::Operand RandomLoss::make_scale(const Operand& x) {
  constexpr double kQuarter = 0.25;
  return node("scale", {x}, with("factor", kQuarter * static_cast<double>(number(-4, 4))));
}
RandomLoss::Operand RandomLoss::make_element(std::string_view op, const Operand& x) {
  if (graphrt::find_op(op)->max_inputs == 2) return either_way(op, x, partner_of(x));
  const bool is_partial = !is_finite_at(op, 0) || !is_finite_at(op, -0.25F);
  return node(op, {is_partial || coin() ? above_half(x) : node("tanh", {x})});
}

RandomLoss::Operand RandomLoss::make_matmul(const Operand& x) {
  const bool is_first = coin();
  const Operand matrix = x.type.rank() >= 2 ? x : matrix_of(x);
  const Shape& shape = matrix.type.shape;
  Attributes attributes;
  for (const char* flag : {"transpose_a", "transpose_b", "relu"}) {
    if (coin()) attributes.set(flag, true);
  }
  if (coin()) attributes.set("alpha", -0.75);
  // Of (own rows, own columns), the one that is summed over meets the partner's.
  const bool own_flag = attributes.flag(is_first ? "transpose_a" : "transpose_b");
  const bool partner_flag = attributes.flag(is_first ? "transpose_b" : "transpose_a");
  const int64_t summed = shape[shape.size() - (own_flag == is_first ? 2 : 1)];
  const int64_t other = number(1, 4);
  Shape partner_shape(shape.begin(), shape.end() - 2);
  const bool is_summed_first = partner_flag != is_first;
  partner_shape.push_back(is_summed_first ? summed : other);
  partner_shape.push_back(is_summed_first ? other : summed);
  const Operand partner = parameter(partner_shape);
  std::vector<Operand> operands =
      is_first ? std::vector{matrix, partner} : std::vector{partner, matrix};
  if (coin()) {
    const int64_t own_columns = shape[shape.size() - (own_flag ? 2 : 1)];
    operands.push_back(parameter({is_first ? other : own_columns}));
  }
  if (coin()) {
    const int64_t own = shape[shape.size() - (own_flag == is_first ? 1 : 2)];
    Shape result(shape.begin(), shape.end() - 2);
    result.insert(result.end(), {is_first ? own : other, is_first ? other : own});
    operands.push_back(parameter(result));
  }
  return node("scale", {node("matmul", operands, attributes)}, with("factor", 0.5));
}

// x is the queries, the keys or the values; two heads of queries may read one of keys.
RandomLoss::Operand RandomLoss::make_attention(const Operand& x) {
  const Operand matrix = matrix_of(x);
  const int64_t rows = matrix.type.shape[0];
  const int64_t columns = matrix.type.shape[1];
  const auto role = static_cast<size_t>(number(0, 2));
  const int64_t num_heads = role == 0 ? 1 : number(1, 2);
  const int64_t num_queries = role == 0 ? rows : number(1, 3);
  const int64_t num_keys = role == 0 ? number(1, 3) : rows;
  const int64_t width = role == 2 ? number(1, 3) : columns;
  const int64_t value_width = role == 2 ? columns : number(1, 3);
  const std::array<Shape, 3> shapes = {Shape{1, num_queries, num_heads, width},
                                       Shape{1, num_keys, 1, width},
                                       Shape{1, num_keys, 1, value_width}};
  std::vector<Operand> operands;
  for (size_t i = 0; i < shapes.size(); ++i) {
    operands.push_back(i == role ? node("reshape", {matrix}, with("shape", shapes[i]))
                                 : parameter(shapes[i]));
  }
  if (coin()) operands.push_back(input({num_queries, num_keys}));
  Attributes attributes = with("scale", 0.5);
  if (coin()) attributes.set("causal", true);
  return node("attention", operands, attributes);
}

// The elements of x are the heads of one query and one key, or of as many as it has rows.
RandomLoss::Operand RandomLoss::make_packed_attention(const Operand& x) {
  const Operand matrix = matrix_of(x);
  const int64_t rows = matrix.type.shape[0];
  const int64_t width = matrix.type.shape[1];
  const int64_t heads = number(1, 2);
  const Operand q = node("reshape", {matrix}, with("shape", Shape{1, rows, 1, width}));
  const Operand rest = parameter({1, rows, heads + 1, width});
  const Operand qkv = node("concat", coin() ? std::vector{q, rest} : std::vector{rest, q},
                           with("axis", int64_t{2}));
  std::vector<Operand> operands = {qkv};
  if (coin()) operands.push_back(input({rows, rows}));
  Attributes attributes = with("scale", 0.5);
  attributes.set("key_heads", int64_t{1});
  if (coin()) attributes.set("causal", true);
  return node("packed_attention", operands, attributes);
}

RandomLoss::Operand RandomLoss::make_softmax(const Operand& x) {
  const Operand vector = at_least_a_vector(x);
  if (vector.type.rank() >= 2 && coin()) return node("softmax", {vector}, with("causal", true));
  return coin() ? node("softmax", {vector})
                : node("softmax", {vector}, with("axis", axis_of(vector)));
}

// A large epsilon keeps the derivatives of rows tame that are nearly constant.
RandomLoss::Operand RandomLoss::make_layer_norm(const Operand& x) {
  const Operand rows = at_least_a_vector(x);
  const Shape last = {rows.type.shape.back()};
  return node("layer_norm", {rows, parameter(last), parameter(last)}, with("epsilon", 0.1));
}

RandomLoss::Operand RandomLoss::make_rms_norm(const Operand& x) {
  const Operand rows = at_least_a_vector(x);
  return node("rms_norm", {rows, parameter({rows.type.shape.back()})}, with("epsilon", 0.1));
}

RandomLoss::Operand RandomLoss::make_embedding(const Operand& x) {
  const Operand table = matrix_of(x);
  const Operand index = indices({number(1, 5)}, table.type.shape[0]);
  return node("embedding", {table, index});
}

RandomLoss::Operand RandomLoss::make_dropout(const Operand& x) {
  const Operand step =
      declare("constant ", {ElementType::kI32, {}}, " = " + std::to_string(number(0, 9)));
  Attributes attributes = with("rate", 0.25);
  attributes.set("seed", number(0, 9));
  return node("dropout", {x, step}, attributes);
}

RandomLoss::Operand RandomLoss::make_softmax_cross_entropy(const Operand& x) {
  const Operand logits = matrix_of(x);
  const Operand label = indices({logits.type.shape[0]}, logits.type.shape[1]);
  Attributes attributes;
  if (coin()) attributes.set("label_smoothing", 0.25);
  if (coin()) attributes.set("reduction", std::string("sum"));
  // Where no row may be left, the mean is NaN.
  const bool may_ignore = attributes.find("reduction") != nullptr;
  if (may_ignore && coin()) attributes.set("ignore_index", int64_t{0});
  if (!may_ignore && coin()) attributes.set("ignore_index", int64_t{-100});
  return node("softmax_cross_entropy", {logits, label}, attributes);
}

RandomLoss::Operand RandomLoss::make_mse(const Operand& x) {
  return either_way("mse", x, partner_of_same_shape(x));
}

RandomLoss::Operand RandomLoss::make_binary_cross_entropy(const Operand& x) {
  const Operand partner = partner_of_same_shape(x);
  return coin() ? node("binary_cross_entropy", {x, node("sigmoid", {partner})})
                : node("binary_cross_entropy", {partner, node("sigmoid", {x})});
}

RandomLoss::Operand RandomLoss::make_sum(const Operand& x) {
  return node("sum", {x}, random_axes(x));
}
RandomLoss::Operand RandomLoss::make_mean(const Operand& x) {
  return node("mean", {x}, random_axes(x));
}
// Numbers at random come first: equal elements would make a corner.
RandomLoss::Operand RandomLoss::make_max(const Operand& x) {
  return node("max", {node("add", {x, input(x.type.shape)})}, random_axes(x));
}
RandomLoss::Operand RandomLoss::make_sum_of_squares(const Operand& x) {
  return node("sum_of_squares", {x});
}

RandomLoss::Operand RandomLoss::make_copy(const Operand& x) { return node("copy", {x}); }

// To another type a difference would be lost in its rounding.
RandomLoss::Operand RandomLoss::make_cast(const Operand& x) {
  return node("cast", {x}, with("to", std::string("f32")));
}

// Chosen by what is not differentiated: there is no corner.
RandomLoss::Operand RandomLoss::make_select(const Operand& x) {
  const Operand zero = declare("constant ", {ElementType::kF32, {}}, " = 0");
  const Operand condition = node("greater", {input(x.type.shape), zero});
  const Operand partner = partner_of(x);
  return coin() ? node("select", {condition, x, partner}) : node("select", {condition, partner, x});
}

RandomLoss::Operand RandomLoss::make_transpose(const Operand& x) {
  if (x.type.rank() >= 2 && coin()) return node("transpose", {x});
  std::vector<int64_t> axes(x.type.shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  for (size_t i = axes.size(); i > 1; --i) {
    std::swap(axes[i - 1], axes[static_cast<size_t>(number(0, static_cast<int64_t>(i) - 1))]);
  }
  for (int64_t& axis : axes) axis -= coin() ? x.type.rank() : 0;
  return node("transpose", {x}, with("axes", axes));
}

RandomLoss::Operand RandomLoss::make_reshape(const Operand& x) {
  Shape shape = x.type.shape;
  if (coin()) {
    shape = {-1};
  } else {
    shape.insert(
        shape.begin() + static_cast<std::ptrdiff_t>(number(0, static_cast<int64_t>(shape.size()))),
        1);
  }
  return node("reshape", {x}, with("shape", shape));
}

RandomLoss::Operand RandomLoss::make_broadcast(const Operand& x) {
  Shape shape = x.type.shape;
  for (int64_t& size : shape) {
    if (size == 1) size = number(1, 3);
  }
  if (coin()) shape.insert(shape.begin(), number(1, 3));
  return node("broadcast", {x}, with("shape", shape));
}

RandomLoss::Operand RandomLoss::make_slice(const Operand& x) {
  const Operand vector = at_least_a_vector(x);
  const int64_t axis = axis_of(vector);
  const int64_t from_front = axis < 0 ? axis + vector.type.rank() : axis;
  const int64_t size = vector.type.shape[static_cast<size_t>(from_front)];
  const int64_t begin = number(0, size - 1);
  Attributes attributes = with("axis", axis);
  attributes.set("begin", begin);
  attributes.set("end", number(begin + 1, size));
  return node("slice", {vector}, attributes);
}

RandomLoss::Operand RandomLoss::make_pad(const Operand& x) {
  const Operand vector = at_least_a_vector(x);
  Attributes attributes = with("axis", axis_of(vector));
  attributes.set("before", number(0, 2));
  attributes.set("after", number(0, 2));
  return node("pad", {vector}, attributes);
}

RandomLoss::Operand RandomLoss::make_concat(const Operand& x) {
  const Operand vector = at_least_a_vector(x);
  std::vector<Operand> operands = {vector, parameter(vector.type.shape)};
  if (coin()) operands.push_back(vector);
  return node("concat", operands, with("axis", axis_of(vector)));
}

}  // namespace graphc
