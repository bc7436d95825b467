#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/tensor_type.h"
#include "runtime/op/op_table.h"

namespace graphc {

/// Writes a random graph in text form that ends in the scalar `loss` and trains all that it depends
/// on: a chain of operators with gradients, with parameters as further operands, values that are
/// read several times, and all shapes that broadcasting allows.
///
/// Values stay where formulas are tame: what goes into a divisor, or a function that is not defined
/// everywhere, is above 0.5, what goes into others is bounded, so that a finite difference is worth
/// comparing with.
class RandomLoss {
 public:
  /// `op` is in the graph for certain. Requires: can_use(op).
  RandomLoss(unsigned seed, std::string_view op);

  static bool can_use(std::string_view op);
  const std::string& text() const { return text_; }

 private:
  struct Operand {
    std::string name;
    graphrt::TensorType type;
  };
  using Maker = Operand (RandomLoss::*)(const Operand& x);
  struct MakerRow {
    std::string_view op;
    Maker make;  ///< null: make_element
  };
  static const std::vector<MakerRow>& makers();
  static std::vector<MakerRow> makers_by_hand();

  int64_t number(int64_t low, int64_t high);
  bool coin() { return number(0, 1) == 1; }
  int64_t axis_of(const Operand& x) { return number(-x.type.rank(), x.type.rank() - 1); }

  Operand declare(const std::string& line_start, graphrt::TensorType type,
                  const std::string& line_end);
  Operand parameter(const graphrt::Shape& shape);
  Operand input(const graphrt::Shape& shape);
  Operand indices(const graphrt::Shape& shape, int64_t size);
  Operand node(std::string_view op, const std::vector<Operand>& inputs,
               const graphrt::Attributes& attributes = {});
  /// `node`, with the two operands in any order.
  Operand either_way(std::string_view op, const Operand& a, const Operand& b);

  /// A parameter that broadcasts against `x`, or another value of the graph that does.
  Operand partner_of(const Operand& x);
  Operand partner_of_same_shape(const Operand& x);
  Operand above_half(const Operand& x);
  Operand matrix_of(const Operand& x);
  Operand at_least_a_vector(const Operand& x);
  graphrt::Attributes random_axes(const Operand& x);

  Operand make_add(const Operand& x);
  Operand make_sub(const Operand& x);
  Operand make_mul(const Operand& x);
  Operand make_div(const Operand& x);
  Operand make_scale(const Operand& x);
  /// A function of elements, where it is tame.
  Operand make_element(std::string_view op, const Operand& x);
  Operand make_matmul(const Operand& x);
  Operand make_softmax(const Operand& x);
  Operand make_layer_norm(const Operand& x);
  Operand make_rms_norm(const Operand& x);
  Operand make_embedding(const Operand& x);
  Operand make_dropout(const Operand& x);
  Operand make_softmax_cross_entropy(const Operand& x);
  Operand make_mse(const Operand& x);
  Operand make_binary_cross_entropy(const Operand& x);
  Operand make_sum(const Operand& x);
  Operand make_mean(const Operand& x);
  Operand make_max(const Operand& x);
  Operand make_sum_of_squares(const Operand& x);
  Operand make_attention(const Operand& x);
  Operand make_packed_attention(const Operand& x);
  Operand make_cast(const Operand& x);
  Operand make_select(const Operand& x);
  Operand make_copy(const Operand& x);
  Operand make_transpose(const Operand& x);
  Operand make_reshape(const Operand& x);
  Operand make_broadcast(const Operand& x);
  Operand make_slice(const Operand& x);
  Operand make_pad(const Operand& x);
  Operand make_concat(const Operand& x);

  /// The loss: a sum of what all values say, with and without weights.
  void finish();

  std::minstd_rand random_;
  std::string text_;
  int next_name_ = 0;
  std::vector<Operand> values_;
};

}  // namespace graphc
