// The type rules of operators whose result has another shape than their operands: reductions and
// data movement.
#include <algorithm>

#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

bool is_axis(int64_t axis, const TensorType& input) {
  return axis >= -input.rank() && axis < input.rank();
}

size_t from_front(int64_t axis, const TensorType& input) {
  return static_cast<size_t>(axis < 0 ? axis + input.rank() : axis);
}

std::string no_axis_message(int64_t axis, const TensorType& input) {
  const std::string rank = std::to_string(input.rank());
  const std::string last = std::to_string(input.rank() - 1);
  const std::string range = input.rank() == 0 ? "; a scalar has no axes"
                                              : "; its axes are 0 to " + last + ", or -" + rank +
                                                    " to -1 counted from the end";
  return "has no axis " + std::to_string(axis) + " in " + to_string(input) + range;
}

/// Checks attribute `axes`: present means not empty, every axis exists, none is named twice.
std::optional<OpError> find_bad_axis(const TensorType& input, const Attributes& attributes) {
  if (attributes.find("axes") == nullptr) return std::nullopt;
  const std::vector<int64_t> axes = attributes.list("axes");
  if (axes.empty()) {
    return OpError{
        "got an empty list of axes; leave 'axes' out to reduce over all of them", {}, "axes"};
  }
  std::vector<bool> is_named(input.shape.size(), false);
  for (const int64_t axis : axes) {
    if (!is_axis(axis, input)) return OpError{no_axis_message(axis, input), 0, "axes"};
    if (is_named[from_front(axis, input)]) {
      return OpError{"got axis " + std::to_string(axis) + " of " + to_string(input) +
                         " twice in axes " + to_string(axes),
                     {},
                     "axes"};
    }
    is_named[from_front(axis, input)] = true;
  }
  return std::nullopt;
}

TypeResult type_of_reduction(const TensorType& input, const Attributes& attributes) {
  if (auto error = find_bad_axis(input, attributes)) return tl::unexpected(*std::move(error));
  const bool keepdims = attributes.flag("keepdims");
  const std::vector<int64_t> axes = normalized_axes(attributes.list("axes"), input.rank());
  TensorType result{input.element, {}};
  for (int64_t axis = 0; axis < input.rank(); ++axis) {
    const bool is_reduced = std::binary_search(axes.begin(), axes.end(), axis);
    if (!is_reduced) result.shape.push_back(input.shape[static_cast<size_t>(axis)]);
    if (is_reduced && keepdims) result.shape.push_back(1);
  }
  return result;
}

bool differ_only_at(size_t axis, const TensorType& a, const TensorType& b) {
  if (a.element != b.element || a.rank() != b.rank()) return false;
  for (size_t i = 0; i < a.shape.size(); ++i) {
    if (i != axis && a.shape[i] != b.shape[i]) return false;
  }
  return true;
}

}  // namespace

tl::expected<size_t, OpError> axis_of(const TensorType& input, const Attributes& attributes,
                                      int64_t otherwise) {
  const int64_t axis = attributes.integer("axis", otherwise);
  if (!is_axis(axis, input)) return refuse_attribute("axis", no_axis_message(axis, input), 0);
  return from_front(axis, input);
}

TypeResult type_of_sum_or_max(Types inputs, const Attributes& attributes) {
  return type_of_reduction(inputs[0], attributes);
}

TypeResult type_of_mean(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  return type_of_reduction(inputs[0], attributes);
}

TypeResult type_of_argmax(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, -1);
  if (!axis) return tl::unexpected(axis.error());
  if (inputs[0].shape[*axis] > INT32_MAX) {
    return refuse(
        "cannot index an axis longer than 2147483647 with i32; got " + to_string(inputs[0]), 0);
  }
  TensorType result{ElementType::kI32, inputs[0].shape};
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(*axis));
  return result;
}

TypeResult type_of_transpose(Types inputs, const Attributes& attributes) {
  const TensorType& input = inputs[0];
  TensorType result = input;
  if (attributes.find("axes") == nullptr) {
    if (input.rank() < 2) {
      return refuse("needs at least 2 dimensions to swap the last two; got " + to_string(input), 0);
    }
    std::swap(result.shape[result.shape.size() - 1], result.shape[result.shape.size() - 2]);
    return result;
  }
  const std::vector<int64_t> axes = attributes.list("axes");
  const auto is_valid_axis = [&](int64_t axis) { return is_axis(axis, input); };
  std::vector<bool> is_named(input.shape.size(), false);
  if (axes.size() == is_named.size() && std::all_of(axes.begin(), axes.end(), is_valid_axis)) {
    for (const int64_t axis : axes) is_named[from_front(axis, input)] = true;
  }
  if (axes.size() != is_named.size() || std::count(is_named.begin(), is_named.end(), false) > 0) {
    return refuse_attribute(
        "axes",
        "needs axes that name every axis of " + to_string(input) + " once; got " + to_string(axes),
        0);
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    result.shape[i] = input.shape[from_front(axes[i], input)];
  }
  return result;
}

TypeResult type_of_slice(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, 0);
  if (!axis) return tl::unexpected(axis.error());
  const int64_t size = inputs[0].shape[*axis];
  const int64_t begin = attributes.integer("begin", 0);
  const int64_t end = attributes.integer("end", size);
  if (begin < 0 || begin >= end || end > size) {
    const bool is_begin = begin < 0 || begin >= size;
    return refuse_attribute(is_begin ? "begin" : "end",
                            "needs 0 <= begin < end <= " + std::to_string(size) +
                                ", the size of axis " + std::to_string(*axis) + " of " +
                                to_string(inputs[0]) + "; got begin " + std::to_string(begin) +
                                " and end " + std::to_string(end),
                            0);
  }
  TensorType result = inputs[0];
  result.shape[*axis] = end - begin;
  return result;
}

TypeResult type_of_concat(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, 0);
  if (!axis) return tl::unexpected(axis.error());
  TensorType result = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (!differ_only_at(*axis, inputs[0], inputs[i])) {
      return refuse("needs operands that differ in the size of axis " + std::to_string(*axis) +
                        " only; got " + to_string(inputs[0]) + " and " + to_string(inputs[i]),
                    i);
    }
    result.shape[*axis] += inputs[i].shape[*axis];
  }
  return result;
}

TypeResult type_of_reshape(Types inputs, const Attributes& attributes) {
  const std::vector<int64_t> wanted = attributes.list("shape");
  const int64_t num_elements = inputs[0].num_elements();
  const auto mismatch = [&] {
    return refuse_attribute("shape",
                            "cannot give " + to_string(inputs[0]) + " the shape " +
                                to_string(wanted) + ": the number of elements must stay " +
                                std::to_string(num_elements),
                            0);
  };
  TensorType result{inputs[0].element, wanted};
  std::optional<size_t> open_axis;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] > 0) continue;
    if (wanted[i] != -1 || open_axis) {
      return refuse_attribute(
          "shape", "needs a shape of positive sizes with at most one -1; got " + to_string(wanted));
    }
    open_axis = i;
    result.shape[i] = 1;
  }
  if (!is_valid(result)) return mismatch();
  const int64_t num_known = result.num_elements();
  if (open_axis && num_elements % num_known == 0) {
    result.shape[*open_axis] = num_elements / num_known;
  }
  if (result.num_elements() != num_elements) return mismatch();
  return result;
}

TypeResult type_of_broadcast(Types inputs, const Attributes& attributes) {
  const Shape wanted = attributes.list("shape");
  if (std::any_of(wanted.begin(), wanted.end(), [](int64_t size) { return size < 1; })) {
    return refuse_attribute("shape", "needs a shape of positive sizes; got " + to_string(wanted));
  }
  if (broadcast_shape(inputs[0].shape, wanted) != wanted) {
    return refuse_attribute("shape",
                            "cannot stretch " + to_string(inputs[0]) + " to the shape " +
                                to_string(wanted) +
                                ": from the last dimension on, its sizes must be equal or 1",
                            0);
  }
  return TensorType{inputs[0].element, wanted};
}

TypeResult type_of_pad(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, 0);
  if (!axis) return tl::unexpected(axis.error());
  const int64_t before = attributes.integer("before", 0);
  const int64_t after = attributes.integer("after", 0);
  // What is larger fits into no tensor, and sums of what is smaller into 64 bits.
  const auto is_allowed = [](int64_t size) { return size >= 0 && size <= kMaxTensorBytes; };
  if (!is_allowed(before) || !is_allowed(after)) {
    return refuse_attribute(is_allowed(before) ? "after" : "before",
                            "needs before and after from 0 to " + std::to_string(kMaxTensorBytes) +
                                "; got " + std::to_string(before) + " and " +
                                std::to_string(after));
  }
  TensorType result = inputs[0];
  result.shape[*axis] += before + after;
  return result;
}

}  // namespace graphrt
