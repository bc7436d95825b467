#pragma once

#include <span>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/attribute.h"
#include "runtime/op/op_table.h"

namespace graphrt::reference {

using Operands = std::span<const Tensor* const>;
using Results = std::span<Tensor>;

/// Computes one operator into `results`, which have their types and come as zeros.
using Loop = void (*)(Operands inputs, const Attributes& attributes, Results results);

/// y = function(x), of floats; each operator on floats of 16 bits rounds its results to them.
void map_floats(Operands inputs, Tensor& result, double (*function)(double));
/// y = function(a, b) with broadcasting.
void zip_floats(Operands inputs, Tensor& result, double (*function)(double, double));
/// The same of integers, which wrap around.
void zip_integers(Operands inputs, Tensor& result, uint64_t (*function)(uint64_t, uint64_t));

/// The same numbers as another type, as the operator `cast` makes them.
Tensor as_type(const Tensor& tensor, ElementType element);

/// The elements as doubles, each exactly; integers beyond 2^53 are rounded.
std::vector<double> numbers_of(const Tensor& tensor);
/// Of integers.
std::vector<int64_t> integers_of(const Tensor& tensor);
/// Makes `numbers` the elements, each rounded once. Requires: as many as there are.
void put_numbers(std::span<const double> numbers, Tensor& result);

/// Of a loss over labels: whether rows with that label do not count.
bool is_ignored(int64_t label, const Attributes& attributes);
/// Whether its result is the sum over the rows, not their mean.
bool is_sum(const Attributes& attributes);

// One for every operator.
#define GRAPHC_OPERATOR(name) \
  void name(Operands inputs, const Attributes& attributes, Results results);
#include "runtime/op/operators.def"

/// A composite operator, by its formula: call by call, by the operators of those names, each
/// rounding to the type of its result.
void composite(const OpInfo& op, Operands inputs, const Attributes& attributes, Tensor& result);

/// A tensor seen as [outer, size, inner] around one axis: element (o, i, n) has the index
/// (o * size + i) * inner + n.
struct AxisView {
  int64_t outer = 1;
  int64_t size = 1;
  int64_t inner = 1;
  size_t index(int64_t o, int64_t i, int64_t n) const {
    return static_cast<size_t>((o * size + i) * inner + n);
  }
};
AxisView view_around(const Shape& shape, int64_t axis);

/// Of the element `flat` of `shape`: the index of the element that it comes from, or goes to, in a
/// tensor where some dimensions are 1 or missing in front.
size_t index_in_smaller(int64_t flat, const Shape& shape, const Shape& smaller);

}  // namespace graphrt::reference
