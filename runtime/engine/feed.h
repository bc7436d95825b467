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

namespace graphrt {

/// Gives an input its value of every step: B rows of N, those from s B mod N on, wrapping around.
/// With exactly the input's shape that is the same value every step.
class Feed {
 public:
  /// `origin` stands for the array in errors: a path, or where else it is from.
  /// Errors: an array that is neither of the input's type nor a longer one of the same rows.
  static Result<Feed> create(const std::string& input, const TensorType& type, Tensor array,
                             const std::string& origin);

  /// Copies the value of `step` to `to`. Allocates nothing.
  void copy_batch(int64_t step, std::byte* to) const;

  int64_t num_rows() const { return num_rows_; }
  /// Whether different steps get different rows.
  bool varies() const { return num_rows_ != batch_; }
  const Tensor& array() const { return array_; }

 private:
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

/// The instruction that puts an input's value into its buffer, on the host. `feed` is looked at in
/// every step, so the array may be replaced between runs; it must be set while one goes on.
std::unique_ptr<Action> make_feed_action(const std::unique_ptr<const Feed>& feed, OperandSlots to);

}  // namespace graphrt
