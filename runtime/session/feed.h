#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/device/action.h"
#include "runtime/device/operand_slots.h"
#include "runtime/session/row_order.h"

namespace graphrt {

/// Gives an input its value of every step: B rows of N, those at the places s B .. s B + B - 1 of
/// the endless sequence of rows, which goes through all N in the given order and then starts again.
/// With exactly the input's shape that is the same value every step, in any order.
class Feed {
 public:
  /// `origin` stands for the array in errors: a path, or where else it is from.
  /// Errors: an array that is neither of the input's type nor a longer one of the same rows, or has
  ///         not the bytes of its type.
  static Result<Feed> create(const std::string& input, const TensorType& type, Tensor array,
                             const std::string& origin);

  /// Copies rows of the value of `step` to `to`. Allocates nothing.
  void copy_rows_of(int64_t step, RowRange rows, const RowOrder& order, std::byte* to) const;

  int64_t num_rows() const { return num_rows_; }
  int64_t batch() const { return batch_; }
  /// Whether different steps get different rows.
  bool varies() const { return num_rows_ != batch_; }
  const Tensor& array() const { return array_; }

 private:
  void copy_rows(RowPosition from, int64_t count, const RowOrder& order, std::byte* to) const;

  Feed(Tensor array, int64_t num_rows, int64_t batch)
      : array_(std::move(array)),
        num_rows_(num_rows),
        batch_(batch),
        row_bytes_(array_.data.size() / static_cast<size_t>(num_rows)) {}

  Tensor array_;
  int64_t num_rows_;
  int64_t batch_;
  size_t row_bytes_;
};

/// The instruction that puts rows of an input's value, as many as `to` holds from `first_row` on,
/// into its buffer on the host. `feed` and `order` are looked at in every step, so both may be
/// replaced between runs; they must be set while one goes on, and outlive the action.
std::unique_ptr<Action> make_feed_action(const std::unique_ptr<const Feed>& feed,
                                         const RowOrder& order, int64_t first_row, OperandSlots to);

}  // namespace graphrt
