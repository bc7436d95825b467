#include "compiler/solve/packing/hand_overs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace graphc {
namespace {

TEST(FindHandOvers, FollowsEveryByteRoundTheCircle) {
  const std::vector<ByteUse> uses = {{0, 4, 0}, {2, 4, 1}, {2, 4, 2}, {0, 2, 1}};
  const std::vector<HandOver> expected = {
      {0, 1, 0}, {0, 3, 0}, {1, 2, 0}, {2, 0, 1}, {3, 0, 1},
  };
  EXPECT_EQ(find_hand_overs(uses, 3), expected);
}

TEST(FindHandOvers, CountsRoundsFromTheOwnBegin) {
  // The second begins in the round after its own number, as a step does that is a stage late.
  const std::vector<ByteUse> uses = {{0, 1, 0}, {0, 1, 11}};
  const std::vector<HandOver> expected = {{0, 1, -1}, {1, 0, 2}};
  EXPECT_EQ(find_hand_overs(uses, 10), expected);
}

TEST(FindHandOvers, OfNothingAndOfOneThereAreNone) {
  EXPECT_TRUE(find_hand_overs({}, 1).empty());
  EXPECT_TRUE(find_hand_overs({{0, 8, 5}}, 7).empty());
}

/// Byte by byte.
std::vector<HandOver> slow_hand_overs(const std::vector<ByteUse>& uses, int64_t period) {
  std::vector<HandOver> result;
  for (int64_t byte = 0; byte < 20; ++byte) {
    struct Begin {
      int64_t time = 0;
      size_t use = 0;
      int64_t round = 0;
    };
    std::vector<Begin> begins;
    for (int64_t round = -8; round <= 8; ++round) {
      for (size_t use = 0; use < uses.size(); ++use) {
        if (byte < uses[use].begin_bytes || byte >= uses[use].end_bytes) continue;
        begins.push_back({uses[use].begin_time + round * period, use, round});
      }
    }
    std::stable_sort(begins.begin(), begins.end(),
                     [](const Begin& a, const Begin& b) { return a.time < b.time; });
    for (size_t i = 1; i < begins.size(); ++i) {
      const Begin& from = begins[i - 1];
      const Begin& to = begins[i];
      if (from.use == to.use || from.time < 0 || from.time >= period) continue;
      result.push_back({from.use, to.use, static_cast<int32_t>(to.round - from.round)});
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

TEST(FindHandOvers, AgreesWithLookingAtEveryByte) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::vector<ByteUse> uses;
    std::vector<int64_t> times(40);
    for (size_t t = 0; t < times.size(); ++t) times[t] = static_cast<int64_t>(t);
    std::shuffle(times.begin(), times.end(), random);
    const size_t num_uses = random() % 8;
    for (size_t use = 0; use < num_uses; ++use) {
      const auto begin = static_cast<int64_t>(random() % 16);
      // No two begin at one time of the period.
      const int64_t time = times[use] + 40 * static_cast<int64_t>(random() % 3);
      uses.push_back({begin, begin + static_cast<int64_t>(random() % 5), time});
    }
    EXPECT_EQ(find_hand_overs(uses, 40), slow_hand_overs(uses, 40)) << "case " << i;
  }
}

}  // namespace
}  // namespace graphc
