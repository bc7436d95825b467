#include "runtime/device/loaded_back_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graphrt {
namespace {

using testing::HasSubstr;

// The object is looked for beside this program, where there is none of that name.
TEST(LoadedBackEnd, WithoutItsObjectHasNoDevicesAndSaysWhy) {
  const BackEnd back_end = loaded_back_end("nothing");
  EXPECT_EQ(back_end.count().value(), 0);
  back_end.prepare(LaunchMode::kRecorded);
  EXPECT_THAT(back_end.why_none(), HasSubstr("the nothing back end cannot be loaded: "));
  EXPECT_THAT(back_end.why_none(), HasSubstr("libgraphrt_nothing.so."));
  const auto opened = back_end.open("gpu0", 0);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, back_end.why_none());
  EXPECT_FALSE(back_end.make_queue({}, LaunchMode::kRecorded));
}

TEST(LoadedBackEnd, APlanThatNeedsItIsToldWhy) {
  DeviceRegistry registry = builtin_devices();
  registry.add("nothing", loaded_back_end("nothing"));
  IdVector<DeviceId, PlanDevice> wanted;
  wanted.push_back({"cpu", "cpu", 0, 0});
  wanted.push_back({"far", "nothing", 0, 0});
  const auto opened = open_devices(wanted, {.choice = "nothing", .map = {}}, registry);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("the plan's far: the nothing back end cannot be"));
  const auto emulated = open_devices(wanted, {.choice = "auto", .map = {}}, registry);
  ASSERT_TRUE(emulated);
  ASSERT_EQ(emulated->notes.size(), 2U);
  EXPECT_THAT(emulated->notes[0], HasSubstr("the nothing back end cannot be loaded"));
}

}  // namespace
}  // namespace graphrt
