#include "runtime/device/device_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/device/cpu_device.h"
#include "runtime/device/operand_slots.h"

namespace graphrt {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

IdVector<DeviceId, PlanDevice> cpu_and_two_gpus() {
  IdVector<DeviceId, PlanDevice> devices;
  devices.push_back({"cpu", "cpu", 1});
  devices.push_back({"gpu0", "cuda", 1});
  devices.push_back({"gpu1", "cuda", 1, 1});
  return devices;
}

BackEnd counted_back_end(int32_t num_devices, int& num_opened) {
  const auto open = [&](const std::string& name, int32_t) -> Result<std::unique_ptr<Device>> {
    ++num_opened;
    return std::make_unique<CpuDevice>(name);
  };
  return {.open = open, .count = [=]() -> Result<int32_t> { return num_devices; }};
}

TEST(OpenDevices, EmulatesEveryAcceleratorWhenAsked) {
  const auto set = open_devices(cpu_and_two_gpus(), {"emulated", {}}, builtin_devices());
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->devices[DeviceId(0)]->is_host());
  EXPECT_FALSE(set->devices[DeviceId(1)]->is_host());
  EXPECT_EQ(set->devices[DeviceId(2)]->name(), "gpu1");
  EXPECT_TRUE(set->notes.empty());
}

TEST(OpenDevices, SaysSoWhenItChoosesToEmulate) {
  const auto set = open_devices(cpu_and_two_gpus(), {"auto", {}}, builtin_devices());
  ASSERT_TRUE(set);
  EXPECT_THAT(set->notes,
              testing::Contains("no GPU that this build can use: gpu0, gpu1 are emulated on "
                                "the CPU"));
}

TEST(OpenDevices, SaysNothingForAPlanWithoutAccelerators) {
  IdVector<DeviceId, PlanDevice> devices;
  devices.push_back({"cpu", "cpu", 1});
  const auto set = open_devices(devices, {"auto", {}}, builtin_devices());
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->notes.empty());
}

TEST(OpenDevices, RefusesABackEndThatThisBuildLacks) {
  const auto set = open_devices(cpu_and_two_gpus(), {"rocket", {}}, builtin_devices());
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(set.error().message, HasSubstr("this build has no rocket back end"));
}

TEST(OpenDevices, PrefersARealBackEndToEmulation) {
  DeviceRegistry registry = builtin_devices();
  int num_opened = 0;
  registry.add("cuda", counted_back_end(2, num_opened));
  ASSERT_TRUE(open_devices(cpu_and_two_gpus(), {"auto", {}}, registry));
  ASSERT_TRUE(open_devices(cpu_and_two_gpus(), {"cuda", {}}, registry));
  EXPECT_EQ(num_opened, 4);
  ASSERT_TRUE(open_devices(cpu_and_two_gpus(), {"emulated", {}}, registry));
  EXPECT_EQ(num_opened, 4);
}

TEST(OpenDevices, EmulatesWhereTheMachineHasNoneAtAll) {
  DeviceRegistry registry = builtin_devices();
  int num_opened = 0;
  registry.add("cuda", counted_back_end(0, num_opened));
  const auto set = open_devices(cpu_and_two_gpus(), {"auto", {}}, registry);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->notes.size(), 1U);
  EXPECT_EQ(num_opened, 0);
  const auto asked = open_devices(cpu_and_two_gpus(), {"cuda", {}}, registry);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(asked.error().message, HasSubstr("this machine has none that can be used"));
}

TEST(OpenDevices, RefusesAPlanForMoreDevicesThanThereAre) {
  DeviceRegistry registry = builtin_devices();
  int num_opened = 0;
  registry.add("cuda", counted_back_end(1, num_opened));
  const auto set = open_devices(cpu_and_two_gpus(), {"auto", {}}, registry);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(set.error().message,
              HasSubstr("gpu1 is cuda device 1, and this machine has 1 (number 0); --map=gpu1="));
}

TEST(OpenDevices, LetsTwoDevicesOfThePlanShareOne) {
  DeviceRegistry registry = builtin_devices();
  int num_opened = 0;
  registry.add("cuda", counted_back_end(1, num_opened));
  const auto set = open_devices(cpu_and_two_gpus(), {"auto", {{"gpu1", 0}}}, registry);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->devices[DeviceId(2)]->name(), "gpu1");
}

TEST(OpenDevices, RefusesAMapOfUnknownNames) {
  for (const char* name : {"gpu7", "cpu"}) {
    const auto set = open_devices(cpu_and_two_gpus(), {"auto", {{name, 0}}}, builtin_devices());
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(set.error().message, HasSubstr("it has gpu0, gpu1"));
  }
}

// Three versions, read two steps behind: step 0 reads version -2 mod 3 = 1.
TEST(OperandSlots, UsesTheMathematicalModulus) {
  std::byte memory[3 * 256];
  const OperandSlots slots{{ElementType::kF32, {}}, memory, 256, 3, 2};
  EXPECT_EQ(slots.at(0) - memory, 256);
  EXPECT_EQ(slots.at(1) - memory, 512);
  EXPECT_EQ(slots.at(2) - memory, 0);
  EXPECT_EQ(slots.at(-5) - memory, 512);
  EXPECT_EQ(slots.extent_bytes(), 2 * 256 + 4);
}

}  // namespace
}  // namespace graphrt
