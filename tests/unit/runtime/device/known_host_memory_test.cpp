#include "runtime/device/known_host_memory.h"

#include <gtest/gtest.h>

#include <array>

namespace graphrt {
namespace {

TEST(KnownHostMemory, HoldsWhatLiesWithinOneRange) {
  std::array<std::byte, 100> bytes{};
  KnownHostMemory known;
  EXPECT_FALSE(known.contains(bytes.data(), 1));
  known.add(bytes.data() + 10, 20);
  known.add(bytes.data() + 30, 20);
  EXPECT_TRUE(known.contains(bytes.data() + 10, 20));
  EXPECT_TRUE(known.contains(bytes.data() + 49, 1));
  EXPECT_FALSE(known.contains(bytes.data() + 9, 1));
  EXPECT_FALSE(known.contains(bytes.data() + 50, 1));
  EXPECT_FALSE(known.contains(bytes.data() + 10, 21));
  // Neighbours were pinned apart: no copy may run across.
  EXPECT_FALSE(known.contains(bytes.data() + 29, 2));
}

}  // namespace
}  // namespace graphrt
