#include "compiler/search/trade_offs.h"

#include <gtest/gtest.h>

namespace graphc {
namespace {

constexpr DeviceId kCpu{0};
constexpr DeviceId kGpu{1};

/// Plans of one device in the order of falling bytes and rising time; the host always takes 512.
struct KnownPlan {
  int64_t peak_bytes;
  int64_t interval_ns;
};

CompileWithin among(std::vector<KnownPlan> plans) {
  return [plans](const MemoryLimits& limits) {
    Outcome outcome{MemoryLimits(2, 512), 0, "", false};
    for (const KnownPlan& plan : plans) {
      outcome.peak_bytes[kGpu] = plan.peak_bytes;
      outcome.interval_ns = plan.interval_ns;
      outcome.fits = plan.peak_bytes <= limits[kGpu] && limits[kCpu] >= 512;
      if (outcome.fits) return outcome;
    }
    return outcome;
  };
}

MemoryLimits limits(int64_t cpu_bytes, int64_t gpu_bytes) {
  MemoryLimits limits;
  limits.push_back(cpu_bytes);
  limits.push_back(gpu_bytes);
  return limits;
}

TEST(SmallestLimit, IsThatOfTheSmallestPlan) {
  const CompileWithin compile = among({{1 << 20, 10}, {70 << 10, 12}, {9984, 30}});
  EXPECT_EQ(smallest_limit(kGpu, limits(1024, 0), compile), 9984);
  EXPECT_EQ(smallest_limit(kGpu, limits(1024, 9983), compile), 9984);
}

TEST(SmallestLimit, NoneWhereAnotherDeviceIsTooSmall) {
  EXPECT_EQ(smallest_limit(kGpu, limits(256, 0), among({{4096, 1}})), std::nullopt);
}

TEST(TradeOffs, FallInBytesAndRiseInTime) {
  const CompileWithin compile = among({{1 << 20, 10}, {70 << 10, 12}, {9984, 30}});
  std::vector<std::pair<int64_t, int64_t>> found;
  for (const TradeOff& point : find_trade_offs(limits(1 << 20, 2 << 20), compile)) {
    if (point.device == kGpu) found.emplace_back(point.peak_bytes, point.interval_ns);
  }
  const std::vector<std::pair<int64_t, int64_t>> expected = {
      {1 << 20, 10}, {70 << 10, 12}, {9984, 30}};
  EXPECT_EQ(found, expected);
}

// What needs more memory than another and is no faster is not listed.
TEST(TradeOffs, LeaveOutWhatIsNoBetter) {
  const CompileWithin compile = among({{8192, 20}, {4096, 20}, {2048, 15}});
  const auto points = find_trade_offs(limits(1 << 20, 1 << 20), compile);
  int num_of_gpu = 0;
  for (const TradeOff& point : points) {
    if (point.device != kGpu) continue;
    ++num_of_gpu;
    EXPECT_EQ(point.peak_bytes, 2048);
    EXPECT_EQ(point.interval_ns, 15);
  }
  EXPECT_EQ(num_of_gpu, 1);
}

TEST(TradeOffs, NoPointForADeviceThatNeedsNothing) {
  EXPECT_TRUE(find_trade_offs(limits(0, 1 << 20), [](const MemoryLimits&) {
                return Outcome{MemoryLimits(2, 0), 5, "", true};
              }).empty());
}

}  // namespace
}  // namespace graphc
