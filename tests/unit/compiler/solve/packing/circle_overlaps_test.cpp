#include "compiler/solve/packing/circle_overlaps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace graphc {
namespace {

using Lives = IdVector<RequestId, LiveInterval>;
using Overlaps = IdVector<RequestId, std::vector<RequestId>>;

Lives random_lives(std::mt19937& random, int64_t period) {
  Lives lives;
  const size_t num_lives = random() % 9;
  for (size_t i = 0; i < num_lives; ++i) {
    const int64_t begin = static_cast<int64_t>(random() % 40) - 15;
    lives.push_back(
        {begin, begin + static_cast<int64_t>(random() % static_cast<size_t>(period + 3))});
  }
  return lives;
}

bool is_alive(const LiveInterval& life, int64_t time, int64_t period) {
  for (int64_t round = -9; round <= 9; ++round) {
    const int64_t at = time + round * period;
    if (life.begin <= at && at < life.end) return true;
  }
  return false;
}

TEST(FindCircleOverlaps, AgreesWithLookingAtEveryTime) {
  constexpr int64_t kPeriod = 11;
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const Lives lives = random_lives(random, kPeriod);
    const auto overlaps = find_circle_overlaps(lives, kPeriod, 1'000);
    ASSERT_TRUE(overlaps);
    for (const RequestId a : lives.ids()) {
      for (const RequestId b : lives.ids()) {
        if (a == b) continue;
        bool meet = false;
        for (int64_t time = 0; time < kPeriod; ++time) {
          meet |= is_alive(lives[a], time, kPeriod) && is_alive(lives[b], time, kPeriod);
        }
        const auto& others = (*overlaps)[a];
        EXPECT_EQ(std::count(others.begin(), others.end(), b), meet ? 1 : 0) << "case " << i;
      }
    }
  }
}

TEST(FindCircleOverlaps, GivesUpAtTheLimit) {
  Lives lives;
  for (int i = 0; i < 10; ++i) lives.push_back({0, 5});
  EXPECT_TRUE(find_circle_overlaps(lives, 10, 45));
  EXPECT_FALSE(find_circle_overlaps(lives, 10, 44));
}

TEST(MaxCircleLoad, AgreesWithLookingAtEveryTime) {
  constexpr int64_t kPeriod = 11;
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    const Lives lives = random_lives(random, kPeriod);
    IdVector<RequestId, int64_t> size_bytes;
    for (size_t k = 0; k < lives.size(); ++k)
      size_bytes.push_back(static_cast<int64_t>(random() % 100));
    int64_t expected = 0;
    for (int64_t time = 0; time < kPeriod; ++time) {
      int64_t load = 0;
      for (const RequestId id : lives.ids()) {
        if (is_alive(lives[id], time, kPeriod)) load += size_bytes[id];
      }
      expected = std::max(expected, load);
    }
    EXPECT_EQ(max_circle_load_bytes(size_bytes, lives, kPeriod), expected) << "case " << i;
  }
}

TEST(Unrolled, WhatReachesOverTheEndLastsForAllOfIt) {
  Lives wound;
  for (const LiveInterval& life : {LiveInterval{12, 15}, {-1, 1}, {0, 30}}) wound.push_back(life);
  const Lives lives = unrolled(wound, 10);
  EXPECT_EQ(lives[RequestId(0)].begin, 2);
  EXPECT_EQ(lives[RequestId(0)].end, 5);
  EXPECT_EQ(lives[RequestId(1)].begin, 0);
  EXPECT_EQ(lives[RequestId(1)].end, 10);
  EXPECT_EQ(lives[RequestId(2)].end, 10);
}

}  // namespace
}  // namespace graphc
