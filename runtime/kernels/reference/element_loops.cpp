// Operators that compute every element of the result from the elements of the same index.
#include <algorithm>

#include "runtime/base/element.h"
#include "runtime/kernels/reference/functions.h"
#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// An element as a double; of integers, those up to 2^53 exactly.
double number_of(const Tensor& tensor, size_t index) {
  return with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return static_cast<double>(widened(tensor.as<T>()[index]));
  });
}

int64_t integer_of(const Tensor& tensor, size_t index) {
  return with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return static_cast<int64_t>(widened(tensor.as<T>()[index]));
  });
}

template <class Number>
void put(Number number, Tensor& tensor, size_t index) {
  with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    tensor.as<T>()[index] = narrowed<T>(number);
  });
}

/// The index in `operand` of what element `i` of the result is computed from.
size_t index_in(const Tensor& operand, const Tensor& result, size_t i) {
  return index_in_smaller(static_cast<int64_t>(i), result.type.shape, operand.type.shape);
}

size_t num_elements(const Tensor& tensor) {
  return static_cast<size_t>(tensor.type.num_elements());
}

/// result = function(index in a, index in b), a truth.
template <class Compare>
void compare_each(Operands inputs, Tensor& result, const Compare& function) {
  for (size_t i = 0; i < num_elements(result); ++i) {
    const bool holds = function(index_in(*inputs[0], result, i), index_in(*inputs[1], result, i));
    put(int64_t{holds}, result, i);
  }
}

/// `function` of two numbers, of the kind that the operands are of.
template <class Compare>
void compare(Operands inputs, Tensor& result, const Compare& function) {
  const Tensor& a = *inputs[0];
  const Tensor& b = *inputs[1];
  if (is_float(a.type.element)) {
    return compare_each(inputs, result, [&](size_t i, size_t j) {
      return function(number_of(a, i), number_of(b, j));
    });
  }
  compare_each(inputs, result,
               [&](size_t i, size_t j) { return function(integer_of(a, i), integer_of(b, j)); });
}

}  // namespace

void map_floats(Operands inputs, Tensor& result, double (*function)(double)) {
  for (size_t i = 0; i < num_elements(result); ++i) {
    put(function(number_of(*inputs[0], i)), result, i);
  }
}

void zip_floats(Operands inputs, Tensor& result, double (*function)(double, double)) {
  const Tensor& a = *inputs[0];
  const Tensor& b = *inputs[1];
  for (size_t i = 0; i < num_elements(result); ++i) {
    put(function(number_of(a, index_in(a, result, i)), number_of(b, index_in(b, result, i))),
        result, i);
  }
}

void zip_integers(Operands inputs, Tensor& result, uint64_t (*function)(uint64_t, uint64_t)) {
  const Tensor& a = *inputs[0];
  const Tensor& b = *inputs[1];
  for (size_t i = 0; i < num_elements(result); ++i) {
    const auto of_a = static_cast<uint64_t>(integer_of(a, index_in(a, result, i)));
    const auto of_b = static_cast<uint64_t>(integer_of(b, index_in(b, result, i)));
    put(static_cast<int64_t>(function(of_a, of_b)), result, i);
  }
}

Tensor as_type(const Tensor& tensor, ElementType element) {
  Tensor result = zeros({element, tensor.type.shape});
  for (size_t i = 0; i < num_elements(result); ++i) {
    if (is_float(tensor.type.element)) {
      put(number_of(tensor, i), result, i);
    } else {
      put(integer_of(tensor, i), result, i);
    }
  }
  return result;
}

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) GRAPHC_##kind##_LOOP(name)
#define GRAPHC_Map_LOOP(name)                                      \
  void name(Operands inputs, const Attributes&, Results results) { \
    map_floats(inputs, results[0], of_##name);                     \
  }
#define GRAPHC_Scaled_LOOP(name)  // has one of its own, for its factor
#define GRAPHC_Zip_LOOP(name)                                      \
  void name(Operands inputs, const Attributes&, Results results) { \
    zip_floats(inputs, results[0], of_##name);                     \
  }
#define GRAPHC_Pair_LOOP(name) GRAPHC_Zip_LOOP(name)
#define GRAPHC_Arithmetic_LOOP(name)                               \
  void name(Operands inputs, const Attributes&, Results results) { \
    if (is_float(results[0].type.element)) {                       \
      return zip_floats(inputs, results[0], of_##name<double>);    \
    }                                                              \
    zip_integers(inputs, results[0], of_##name<uint64_t>);         \
  }
#include "runtime/op/element_functions.def"

void scale(Operands inputs, const Attributes& attributes, Results results) {
  // Rounded, so that every back end gives the same bits.
  const double factor = static_cast<float>(attributes.number("factor", 1));
  for (size_t i = 0; i < num_elements(results[0]); ++i) {
    put(number_of(*inputs[0], i) * factor, results[0], i);
  }
}

#define GRAPHC_COMPARISON(name, symbol)                                     \
  void name(Operands inputs, const Attributes&, Results results) {          \
    compare(inputs, results[0], [](auto a, auto b) { return a symbol b; }); \
  }
#include "runtime/op/comparisons.def"

void logical_and(Operands inputs, const Attributes&, Results results) {
  compare(inputs, results[0], [](auto a, auto b) { return a != 0 && b != 0; });
}

void logical_or(Operands inputs, const Attributes&, Results results) {
  compare(inputs, results[0], [](auto a, auto b) { return a != 0 || b != 0; });
}

void logical_not(Operands inputs, const Attributes&, Results results) {
  for (size_t i = 0; i < num_elements(results[0]); ++i) {
    put(int64_t{integer_of(*inputs[0], i) == 0}, results[0], i);
  }
}

void select(Operands inputs, const Attributes&, Results results) {
  const auto size = static_cast<size_t>(size_bytes(results[0].type.element));
  for (size_t i = 0; i < num_elements(results[0]); ++i) {
    const bool holds = integer_of(*inputs[0], index_in(*inputs[0], results[0], i)) != 0;
    const Tensor& from = *inputs[holds ? 1 : 2];
    const auto at = static_cast<std::ptrdiff_t>(index_in(from, results[0], i) * size);
    std::copy_n(from.data.begin() + at, size,
                results[0].data.begin() + static_cast<std::ptrdiff_t>(i * size));
  }
}

void cast(Operands inputs, const Attributes&, Results results) {
  results[0] = as_type(*inputs[0], results[0].type.element);
}

}  // namespace graphrt::reference
