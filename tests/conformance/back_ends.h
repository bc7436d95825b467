#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/base/tensor.h"
#include "runtime/device/device_registry.h"

namespace graphrt {

/// A back end under test, by the kind of device it serves.
struct TestedBackEnd {
  std::string kind;

  /// Every device that a test opens is the machine's first: it has memory of its own all the same.
  std::unique_ptr<Device> open(const std::string& device_name) const {
    const DeviceRegistry registry = builtin_devices();
    auto device = registry.find(kind)->open(device_name, 0);
    CHECK(device.has_value(), device ? "" : device.error().message);
    return *std::move(device);
  }
};

/// Emulated ones, and CUDA where there is a GPU.
inline std::vector<TestedBackEnd> accelerators() {
  std::vector<TestedBackEnd> back_ends = {{"emulated"}};
  const DeviceRegistry registry = builtin_devices();
  const BackEnd* cuda = registry.find("cuda");
  if (cuda != nullptr && cuda->count().value_or(0) > 0) back_ends.push_back({"cuda"});
  return back_ends;
}

inline std::vector<TestedBackEnd> all_back_ends() {
  std::vector<TestedBackEnd> back_ends = accelerators();
  back_ends.push_back({"cpu"});
  return back_ends;
}

inline std::string back_end_name(const ::testing::TestParamInfo<TestedBackEnd>& info) {
  return info.param.kind;
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
