// Operators that move elements without looking at them.
#include <cstring>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

void move_element(const Tensor& from, size_t from_index, Tensor& to, size_t to_index) {
  const auto size = static_cast<size_t>(size_bytes(to.type.element));
  std::memcpy(to.data.data() + to_index * size, from.data.data() + from_index * size, size);
}

/// The axis of the operand that every axis of the result is, counted from the front.
std::vector<size_t> source_axes(const Shape& shape, const Attributes& attributes) {
  const auto rank = static_cast<int64_t>(shape.size());
  std::vector<int64_t> axes = attributes.list("axes");
  if (axes.empty()) {
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
    // A scalar's axes are written as the empty list.
    if (rank >= 2) std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  }
  std::vector<size_t> from_front;
  for (const int64_t axis : axes) {
    from_front.push_back(static_cast<size_t>(axis < 0 ? axis + rank : axis));
  }
  return from_front;
}

}  // namespace

void copy(Operands inputs, const Attributes&, Results results) {
  results[0].data = inputs[0]->data;
}
void reshape(Operands inputs, const Attributes&, Results results) {
  results[0].data = inputs[0]->data;
}

void transpose(Operands inputs, const Attributes& attributes, Results results) {
  const Shape& shape = inputs[0]->type.shape;
  const std::vector<size_t> axes = source_axes(shape, attributes);
  Shape coordinates(shape.size());
  for (int64_t flat = 0; flat < results[0].type.num_elements(); ++flat) {
    int64_t rest = flat;
    for (size_t axis = shape.size(); axis-- > 0;) {
      coordinates[axes[axis]] = rest % results[0].type.shape[axis];
      rest /= results[0].type.shape[axis];
    }
    int64_t from = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      from = from * shape[axis] + coordinates[axis];
    }
    move_element(*inputs[0], static_cast<size_t>(from), results[0], static_cast<size_t>(flat));
  }
}

void broadcast(Operands inputs, const Attributes&, Results results) {
  for (int64_t i = 0; i < results[0].type.num_elements(); ++i) {
    const size_t from = index_in_smaller(i, results[0].type.shape, inputs[0]->type.shape);
    move_element(*inputs[0], from, results[0], static_cast<size_t>(i));
  }
}

/// The result comes as zeros: of every element type, those are bytes of 0.
void pad(Operands inputs, const Attributes& attributes, Results results) {
  const int64_t axis = attributes.integer("axis", 0);
  const int64_t before = attributes.integer("before", 0);
  const AxisView from = view_around(inputs[0]->type.shape, axis);
  const AxisView to = view_around(results[0].type.shape, axis);
  for (int64_t o = 0; o < from.outer; ++o) {
    for (int64_t i = 0; i < from.size; ++i) {
      for (int64_t n = 0; n < from.inner; ++n) {
        move_element(*inputs[0], from.index(o, i, n), results[0], to.index(o, before + i, n));
      }
    }
  }
}

void slice(Operands inputs, const Attributes& attributes, Results results) {
  const int64_t axis = attributes.integer("axis", 0);
  const int64_t begin = attributes.integer("begin", 0);
  const AxisView from = view_around(inputs[0]->type.shape, axis);
  const AxisView to = view_around(results[0].type.shape, axis);
  for (int64_t o = 0; o < to.outer; ++o) {
    for (int64_t i = 0; i < to.size; ++i) {
      for (int64_t n = 0; n < to.inner; ++n) {
        move_element(*inputs[0], from.index(o, begin + i, n), results[0], to.index(o, i, n));
      }
    }
  }
}

void concat(Operands inputs, const Attributes& attributes, Results results) {
  const int64_t axis = attributes.integer("axis", 0);
  const AxisView to = view_around(results[0].type.shape, axis);
  int64_t begin = 0;
  for (const Tensor* input : inputs) {
    const AxisView from = view_around(input->type.shape, axis);
    for (int64_t o = 0; o < from.outer; ++o) {
      for (int64_t i = 0; i < from.size; ++i) {
        for (int64_t n = 0; n < from.inner; ++n) {
          move_element(*input, from.index(o, i, n), results[0], to.index(o, begin + i, n));
        }
      }
    }
    begin += from.size;
  }
}

}  // namespace graphrt::reference
