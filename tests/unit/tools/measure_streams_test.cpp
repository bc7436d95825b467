#include "tools/graphprobe/measure_streams.h"

#include <gtest/gtest.h>

#include <array>

namespace graphprobe {
namespace {

TEST(FewestStreams, MoreThanHelpAreNotTaken) {
  const std::array<StreamTime, 4> times{{{4, 180e-6}, {8, 102e-6}, {16, 67.5e-6}, {32, 64.1e-6}}};
  EXPECT_EQ(fewest_streams(times), 16);
}

TEST(FewestStreams, TheMostIfEachDoublingHelps) {
  const std::array<StreamTime, 3> times{{{2, 400e-6}, {4, 200e-6}, {8, 100e-6}}};
  EXPECT_EQ(fewest_streams(times), 8);
}

// Branches keep orders with each other: more can be slower.
TEST(FewestStreams, TheBestInTheMiddle) {
  const std::array<StreamTime, 3> times{{{2, 300e-6}, {4, 100e-6}, {8, 200e-6}}};
  EXPECT_EQ(fewest_streams(times), 4);
}

// The graph that is timed must compile and run: here on the CPU, whose workers are lanes, too.
TEST(MeasureStreams, RunsWhatItMeasures) {
  const graphc::Machine machine = graphc::single_cpu_machine();
  const auto streams = measure_streams(machine, machine.host(), graphrt::builtin_devices());
  EXPECT_TRUE(streams) << streams.error().message;
}

}  // namespace
}  // namespace graphprobe
