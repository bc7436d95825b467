#include "runtime/session/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace graphrt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TensorType f32(Shape shape) { return {ElementType::kF32, std::move(shape)}; }

template <class T>
std::byte* bytes_of(std::vector<T>& values) {
  return reinterpret_cast<std::byte*>(values.data());
}

std::vector<float> batch(const Feed& feed, int64_t step, size_t num_elements) {
  std::vector<float> values(num_elements);
  feed.copy_rows_of(step, {0, feed.batch()}, RowOrder(), bytes_of(values));
  return values;
}

// Rows 0..4, batches of 3: step s starts at row 3 s mod 5 and wraps around.
TEST(Feed, GoesThroughTheRowsInOrderAndWrapsAround) {
  const auto feed = Feed::create("x", f32({3, 1}), tensor_of<float>({5, 1}, {0, 1, 2, 3, 4}), "a");
  ASSERT_TRUE(feed);
  EXPECT_THAT(batch(*feed, 0, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(batch(*feed, 1, 3), ElementsAre(3, 4, 0));
  EXPECT_THAT(batch(*feed, 2, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(batch(*feed, 5, 3), ElementsAre(0, 1, 2));
  EXPECT_TRUE(feed->varies());
}

TEST(Feed, StaysRightWhereStepTimesBatchWouldOverflow) {
  const auto feed = Feed::create("x", f32({3}), tensor_of<float>({5}, {0, 1, 2, 3, 4}), "a");
  ASSERT_TRUE(feed);
  const int64_t step = INT64_MAX - INT64_MAX % 5 + 1 - 5;  // 1 mod 5
  EXPECT_THAT(batch(*feed, step, 3), ElementsAre(3, 4, 0));
}

// 5 rows, batches of 3: the rows of 5 steps are 3 epochs, each in an order of its own.
TEST(Feed, GoesThroughAllRowsOfAnEpochInItsOwnOrder) {
  const RowOrder order = RowOrder::shuffled(4);
  const auto feed = Feed::create("x", f32({3, 1}), tensor_of<float>({5, 1}, {0, 1, 2, 3, 4}), "a");
  ASSERT_TRUE(feed);
  std::vector<float> rows;
  for (int64_t step = 0; step < 5; ++step) {
    std::vector<float> values(3);
    feed->copy_rows_of(step, {0, 3}, order, bytes_of(values));
    rows.insert(rows.end(), values.begin(), values.end());
  }
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    const RowPermutation row_at(4, epoch, 5);
    for (int64_t place = 0; place < 5; ++place) {
      EXPECT_EQ(rows[epoch * 5 + static_cast<size_t>(place)], static_cast<float>(row_at(place)));
    }
  }
}

TEST(Feed, KeepsRowsOfFeedsTogetherWhenTheyAreShuffled) {
  const RowOrder order = RowOrder::shuffled(9);
  Tensor wide_rows = zeros(f32({11, 2}));
  std::vector<int32_t> labels(11);
  for (size_t i = 0; i < 11; ++i) {
    wide_rows.as<float>()[2 * i] = static_cast<float>(i);
    labels[i] = static_cast<int32_t>(i);
  }
  const auto x = Feed::create("x", f32({4, 2}), wide_rows, "x");
  const auto label = Feed::create("label", {ElementType::kI32, {4}}, tensor_of({11}, labels), "y");
  ASSERT_TRUE(x && label);
  for (int64_t step = 0; step < 20; ++step) {
    std::vector<float> values(8);
    std::vector<int32_t> numbers(4);
    x->copy_rows_of(step, {0, 4}, order, bytes_of(values));
    label->copy_rows_of(step, {0, 4}, order, bytes_of(numbers));
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(values[2 * i], static_cast<float>(numbers[i]));
  }
}

// Blocks that cut the batch anywhere, also where it wraps around: together they are the batch.
TEST(Feed, GivesBlocksOfABatch) {
  const auto feed = Feed::create("x", f32({4}), tensor_of<float>({7}, {0, 1, 2, 3, 4, 5, 6}), "a");
  ASSERT_TRUE(feed);
  for (const RowOrder& order : {RowOrder(), RowOrder::shuffled(3)}) {
    for (int64_t step = 0; step < 9; ++step) {
      std::vector<float> whole(4);
      feed->copy_rows_of(step, {0, 4}, order, bytes_of(whole));
      for (int64_t cut = 1; cut < 4; ++cut) {
        std::vector<float> parts(4);
        feed->copy_rows_of(step, {cut, 4}, order, bytes_of(parts) + cut * int64_t{sizeof(float)});
        feed->copy_rows_of(step, {0, cut}, order, bytes_of(parts));
        EXPECT_EQ(parts, whole) << "step " << step << ", cut at " << cut;
      }
    }
  }
}

TEST(Feed, GivesAnArrayOfTheInputsShapeEveryStep) {
  const auto feed = Feed::create("x", f32({2}), tensor_of<float>({2}, {7, 8}), "a");
  ASSERT_TRUE(feed);
  EXPECT_THAT(batch(*feed, 0, 2), ElementsAre(7, 8));
  EXPECT_THAT(batch(*feed, 3, 2), ElementsAre(7, 8));
  EXPECT_FALSE(feed->varies());
}

TEST(Feed, TakesAScalar) {
  const auto feed = Feed::create("x", f32({}), tensor_of<float>({}, {7}), "a");
  ASSERT_TRUE(feed);
  EXPECT_THAT(batch(*feed, 9, 1), ElementsAre(7));
}

TEST(Feed, RefusesAnotherElementTypeWithTheCast) {
  const auto feed =
      Feed::create("label", {ElementType::kI32, {2}}, tensor_of<float>({2}, {1, 2}), "labels.npy");
  ASSERT_FALSE(feed);
  EXPECT_EQ(feed.error().message,
            "labels.npy: input 'label' is i32[2]; the array is f32[2]; save it with "
            ".astype('int32')");
}

TEST(Feed, RefusesFewerRowsOtherRowsAndOtherRanks) {
  for (const Shape& shape : {Shape{1, 4}, Shape{6, 3}, Shape{12}, Shape{2, 2, 2}, Shape{}}) {
    const auto feed = Feed::create("x", f32({2, 4}), zeros(f32(shape)), "a.npy");
    ASSERT_FALSE(feed) << to_string(shape);
    EXPECT_THAT(feed.error().message, HasSubstr("input 'x' is f32[2, 4]; the array is f32"));
    EXPECT_EQ(feed.error().kind, ErrorKind::kInput);
  }
}

TEST(Feed, RefusesAStackOfScalars) {
  const auto feed = Feed::create("x", f32({}), zeros(f32({5})), "a.npy");
  ASSERT_FALSE(feed);
  EXPECT_EQ(feed.error().message,
            "a.npy: input 'x' is f32[]; the array is f32[5]; it must have that shape");
}

}  // namespace
}  // namespace graphrt
