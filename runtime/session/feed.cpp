#include "runtime/session/feed.h"

#include <algorithm>
#include <cstring>

namespace graphrt {
namespace {

class FeedAction final : public Action {
 public:
  FeedAction(const std::unique_ptr<const Feed>& feed, const RowOrder& order, int64_t first_row,
             OperandSlots to)
      : feed_(feed),
        order_(order),
        rows_{first_row, first_row + rows_or_all(to.type, {}).end},
        to_(std::move(to)) {}

  Result<void> run(int64_t step) override {
    feed_->copy_rows_of(step, rows_, order_, to_.at(step));
    return {};
  }

 private:
  const std::unique_ptr<const Feed>& feed_;
  const RowOrder& order_;
  RowRange rows_;  // of the batch
  OperandSlots to_;
};

bool has_rows_of(const TensorType& array, const TensorType& wanted) {
  return !wanted.shape.empty() && array.rank() == wanted.rank() &&
         std::equal(wanted.shape.begin() + 1, wanted.shape.end(), array.shape.begin() + 1);
}

tl::unexpected<Error> misfit(const std::string& input, const TensorType& wanted,
                             const TensorType& found, const std::string& origin) {
  std::string message = origin + ": input '" + input + "' is " + to_string(wanted) +
                        "; the array is " + to_string(found);
  if (found.element != wanted.element) {
    return input_error(message + "; save it with .astype('" +
                       std::string(properties_of(wanted.element).numpy) + "')");
  }
  return input_error(message + "; it must have that shape" +
                     (wanted.shape.empty() ? "" : ", or more rows of it for a feed"));
}

}  // namespace

Result<Feed> Feed::create(const std::string& input, const TensorType& type, Tensor array,
                          const std::string& origin) {
  if (const auto whole = check_tensor(array); !whole) {
    return input_error(origin + ": input '" + input + "': " + whole.error().message);
  }
  const TensorType found = array.type;
  if (found == type) {
    const int64_t batch = type.shape.empty() ? 1 : type.shape[0];
    return Feed(std::move(array), batch, batch);
  }
  const bool fits =
      found.element == type.element && has_rows_of(found, type) && found.shape[0] > type.shape[0];
  if (!fits) return misfit(input, type, found, origin);
  return Feed(std::move(array), found.shape[0], type.shape[0]);
}

void Feed::copy_rows_of(int64_t step, RowRange rows, const RowOrder& order, std::byte* to) const {
  RowPosition position = position_of_step(step, batch_, num_rows_);
  position.place += rows.begin;
  if (position.place >= num_rows_) position = {position.epoch + 1, position.place - num_rows_};
  for (int64_t left = rows.size(); left > 0;) {
    const int64_t count = std::min(left, num_rows_ - position.place);
    copy_rows(position, count, order, to);
    to += static_cast<size_t>(count) * row_bytes_;
    left -= count;
    position = {position.epoch + 1, 0};
  }
}

/// Of one epoch.
void Feed::copy_rows(RowPosition from, int64_t count, const RowOrder& order, std::byte* to) const {
  const std::byte* rows = array_.data.data();
  if (!order.seed() || !varies()) {
    const size_t offset_bytes = static_cast<size_t>(from.place) * row_bytes_;
    std::memcpy(to, rows + offset_bytes, static_cast<size_t>(count) * row_bytes_);
    return;
  }
  const RowPermutation row_at(*order.seed(), from.epoch, num_rows_);
  for (int64_t i = 0; i < count; ++i) {
    const auto row = static_cast<size_t>(row_at(from.place + i));
    std::memcpy(to + static_cast<size_t>(i) * row_bytes_, rows + row * row_bytes_, row_bytes_);
  }
}

std::unique_ptr<Action> make_feed_action(const std::unique_ptr<const Feed>& feed,
                                         const RowOrder& order, int64_t first_row,
                                         OperandSlots to) {
  return std::make_unique<FeedAction>(feed, order, first_row, std::move(to));
}

}  // namespace graphrt
