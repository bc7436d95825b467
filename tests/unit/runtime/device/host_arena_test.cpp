#include "runtime/device/host_arena.h"

#include <gtest/gtest.h>

#include <cstring>

namespace graphrt {
namespace {

TEST(HostArena, IsPageAlignedAndFilledWithNan) {
  const auto arena = HostArena::create(5000);
  ASSERT_TRUE(arena);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(arena->data()) % 4096, 0U);
  float value = 0;
  std::memcpy(&value, arena->data() + 4996, sizeof(value));
  EXPECT_NE(value, value);
}

TEST(HostArena, KnowsItsBytes) {
  const auto arena = HostArena::create(100);
  ASSERT_TRUE(arena);
  EXPECT_TRUE(arena->contains(arena->data(), 100));
  EXPECT_TRUE(arena->contains(arena->data() + 60, 40));
  EXPECT_FALSE(arena->contains(arena->data() + 61, 40));
  EXPECT_FALSE(arena->contains(arena->data() - 1, 1));
  EXPECT_FALSE(arena->contains(nullptr, 1));
}

TEST(HostArenaDeathTest, EndsTheProcessOnAnAccessBeyondItsPages) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto arena = HostArena::create(4096);
  ASSERT_TRUE(arena);
  volatile std::byte* data = arena->data();
  EXPECT_DEATH(data[4096] = std::byte{1}, "");
  EXPECT_DEATH(data[-1] = std::byte{1}, "");
}

TEST(HostArena, MovesItsPages) {
  auto first = HostArena::create(100);
  ASSERT_TRUE(first);
  std::byte* data = first->data();
  HostArena second = *std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_TRUE(second.contains(data, 100));
  second = *HostArena::create(50);
  EXPECT_FALSE(second.contains(data, 100));
}

TEST(HostArena, RefusesMoreThanTheAddressSpace) {
  const auto arena = HostArena::create(int64_t{1} << 60);
  ASSERT_FALSE(arena);
  EXPECT_EQ(arena.error().kind, ErrorKind::kMachine);
}

TEST(AvailableHostBytes, IsPositive) { EXPECT_GT(available_host_bytes(), 1 << 20); }

}  // namespace
}  // namespace graphrt
