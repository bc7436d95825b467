#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/device/cpu_device.h"
#include "runtime/device/emulated/emulated_device.h"

namespace graphrt {

/// A back end under test: how to open one of its devices.
struct BackEnd {
  std::string name;
  std::unique_ptr<Device> (*open)(const std::string& device_name);
};

template <class DeviceType>
std::unique_ptr<Device> open_device(const std::string& device_name) {
  return std::make_unique<DeviceType>(device_name);
}

inline std::vector<BackEnd> accelerators() { return {{"emulated", open_device<EmulatedDevice>}}; }

inline std::vector<BackEnd> all_back_ends() {
  std::vector<BackEnd> back_ends = accelerators();
  back_ends.push_back({"cpu", open_device<CpuDevice>});
  return back_ends;
}

inline std::string back_end_name(const ::testing::TestParamInfo<BackEnd>& info) {
  return info.param.name;
}

/// `versions` slots for a tensor of this type in an arena of its own.
inline OperandSlots allocate_slots(Device& device, const TensorType& type, int32_t versions = 1,
                                   int32_t distance = 0) {
  const int64_t stride_bytes = (type.size_bytes() + 255) / 256 * 256;
  std::byte* first = device.allocate(stride_bytes * versions).value();
  return {type, first, stride_bytes, versions, distance};
}

inline void write_tensor(Device& device, const OperandSlots& slots, int64_t step,
                         const Tensor& value) {
  ASSERT_TRUE(device.write(slots.at(step), value.data));
}

inline Tensor read_tensor(const Device& device, const OperandSlots& slots, int64_t step) {
  Tensor value = zeros(slots.type);
  EXPECT_TRUE(device.read(slots.at(step), value.data));
  return value;
}

}  // namespace graphrt
