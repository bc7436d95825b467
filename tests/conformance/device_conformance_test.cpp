#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/device/cpu_device.h"
#include "tests/conformance/back_ends.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

const TensorType kPair{ElementType::kF32, {2}};
Tensor pair(float a, float b) { return tensor_of<float>({2}, {a, b}); }

KernelBinding scale_binding(const Attributes& attributes, const OperandSlots& from,
                            const OperandSlots& to) {
  return {.op = "scale", .attributes = &attributes, .inputs = {from}, .results = {to}};
}

Attributes times(double factor) {
  Attributes attributes;
  attributes.set("factor", factor);
  return attributes;
}

class DeviceConformance : public ::testing::TestWithParam<TestedBackEnd> {
 protected:
  std::unique_ptr<Device> device_ = GetParam().open("d0");
};
INSTANTIATE_TEST_SUITE_P(BackEnds, DeviceConformance, ::testing::ValuesIn(all_back_ends()),
                         back_end_name);

TEST_P(DeviceConformance, KeepsItsName) { EXPECT_EQ(device_->name(), "d0"); }

TEST_P(DeviceConformance, AlignsArenas) {
  for (const int64_t size_bytes : {0, 1, 255, 4096, 100'000}) {
    const auto arena = device_->allocate(size_bytes);
    ASSERT_TRUE(arena);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(*arena) % 4096, 0U);
  }
}

TEST_P(DeviceConformance, ReadsBackWhatWasWritten) {
  const OperandSlots slots = allocate_slots(*device_, kPair, 3);
  for (int64_t step = 0; step < 3; ++step) {
    write_tensor(*device_, slots, step, pair(static_cast<float>(step), 9));
  }
  for (int64_t step = 0; step < 3; ++step) {
    EXPECT_EQ(read_tensor(*device_, slots, step), pair(static_cast<float>(step), 9));
  }
}

TEST_P(DeviceConformance, OwnsItsArenasAndNothingElse) {
  std::byte* arena = device_->allocate(1024).value();
  std::byte elsewhere[16];
  EXPECT_TRUE(device_->owns(arena, 1024));
  EXPECT_TRUE(device_->owns(arena + 1000, 24));
  EXPECT_FALSE(device_->owns(arena + 1000, 25));
  EXPECT_FALSE(device_->owns(elsewhere, 1));
  EXPECT_FALSE(device_->write(elsewhere, pair(1, 2).data));
  EXPECT_FALSE(device_->read(elsewhere, std::span(elsewhere + 8, 8)));
}

TEST_P(DeviceConformance, HasMemoryOfItsOwn) {
  const std::unique_ptr<Device> other = GetParam().open("d1");
  std::byte* arena = device_->allocate(1024).value();
  EXPECT_FALSE(other->owns(arena, 1));
  EXPECT_FALSE(other->write(arena, pair(1, 2).data));
}

TEST_P(DeviceConformance, ReportsItsMemory) {
  EXPECT_GT(device_->memory_pool().available_bytes, 0);
  EXPECT_FALSE(device_->memory_pool().name.empty());
}

TEST_P(DeviceConformance, ReportsThatMemoryIsOut) {
  const auto arena = device_->allocate(int64_t{1} << 60);
  ASSERT_FALSE(arena);
  EXPECT_EQ(arena.error().kind, ErrorKind::kMachine);
}

// Operand: 3 versions, read 1 step behind; result: 2 versions.
//   step     0  1  2  3
//   reads    2  0  1  2     version
//   writes   0  1  0  1     version
TEST_P(DeviceConformance, RunsAKernelOnTheVersionsOfTheStep) {
  const OperandSlots from = allocate_slots(*device_, kPair, 3, 1);
  const OperandSlots to = allocate_slots(*device_, kPair, 2);
  const OperandSlots versions{kPair, from.first, from.stride_bytes, 3, 0};
  for (int64_t version = 0; version < 3; ++version) {
    write_tensor(*device_, versions, version, pair(static_cast<float>(version), 1));
  }
  const Attributes attributes = times(10);
  auto action = device_->bind_kernel(scale_binding(attributes, from, to));
  ASSERT_TRUE(action) << action.error().message;
  const std::vector<float> read_at_step = {2, 0, 1, 2};
  for (int64_t step = 0; step < 4; ++step) {
    ASSERT_TRUE((*action)->run(step));
    const float version = read_at_step[static_cast<size_t>(step)];
    EXPECT_EQ(read_tensor(*device_, to, step), pair(version * 10, 10)) << step;
  }
}

TEST_P(DeviceConformance, RefusesToReadOrWriteThroughAnotherDevicesMemory) {
  const std::unique_ptr<Device> other = GetParam().open("d1");
  const OperandSlots here = allocate_slots(*device_, kPair);
  const OperandSlots there = allocate_slots(*other, kPair);
  const Attributes attributes = times(2);
  const auto reading = device_->bind_kernel(scale_binding(attributes, there, here));
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().message, HasSubstr("another device's memory"));
  EXPECT_FALSE(device_->bind_kernel(scale_binding(attributes, here, there)));
}

TEST_P(DeviceConformance, RefusesAnOperandWhoseLastVersionIsOutside) {
  OperandSlots slots = allocate_slots(*device_, kPair, 2);
  const OperandSlots to = allocate_slots(*device_, kPair);
  slots.versions = 40;
  const Attributes attributes = times(2);
  EXPECT_FALSE(device_->bind_kernel(scale_binding(attributes, slots, to)));
}

TEST_P(DeviceConformance, RefusesUnknownOperatorsAndTypesThatDoNotFit) {
  const OperandSlots from = allocate_slots(*device_, kPair);
  const OperandSlots to = allocate_slots(*device_, {ElementType::kF32, {3}});
  const Attributes attributes = times(2);
  KernelBinding binding = scale_binding(attributes, from, from);
  binding.op = "no_such_operator";
  EXPECT_FALSE(device_->bind_kernel(binding));
  EXPECT_FALSE(device_->bind_kernel(scale_binding(attributes, from, to)));
}

class AcceleratorConformance : public ::testing::TestWithParam<TestedBackEnd> {
 protected:
  /// Memory of the host that both accelerators know.
  OperandSlots host_slots(const TensorType& type, int32_t versions = 1) {
    const OperandSlots slots = allocate_slots(host_, type, versions);
    for (Device* device : {first_.get(), second_.get()}) {
      EXPECT_TRUE(device->adopt_host(slots.first, slots.extent_bytes()));
    }
    return slots;
  }

  /// Copies one pair at step 0 and returns what arrived.
  Tensor copied(Device& source, Device& destination, Device& binder, const Tensor& value) {
    const auto slots = [&](Device& device) {
      return device.is_host() ? host_slots(kPair) : allocate_slots(device, kPair);
    };
    const OperandSlots from = slots(source);
    const OperandSlots to = slots(destination);
    write_tensor(source, from, 0, value);
    auto action = binder.bind_copy({&source, from, &destination, to});
    EXPECT_TRUE(action) << action.error().message;
    EXPECT_TRUE((*action)->run(0));
    return read_tensor(destination, to, 0);
  }

  CpuDevice host_{"cpu"};
  std::unique_ptr<Device> first_ = GetParam().open("gpu0");
  std::unique_ptr<Device> second_ = GetParam().open("gpu1");
};
INSTANTIATE_TEST_SUITE_P(BackEnds, AcceleratorConformance, ::testing::ValuesIn(accelerators()),
                         back_end_name);

TEST_P(AcceleratorConformance, CopiesFromAndToTheHostAndBetweenAccelerators) {
  EXPECT_EQ(copied(host_, *first_, *first_, pair(1, 2)), pair(1, 2));
  EXPECT_EQ(copied(*first_, host_, *first_, pair(3, 4)), pair(3, 4));
  EXPECT_EQ(copied(*first_, *second_, *second_, pair(5, 6)), pair(5, 6));
}

TEST_P(AcceleratorConformance, CopiesTheVersionOfTheStep) {
  const OperandSlots from = host_slots(kPair, 2);
  const OperandSlots to = allocate_slots(*first_, kPair, 3);
  auto action = first_->bind_copy({&host_, from, first_.get(), to});
  ASSERT_TRUE(action);
  for (int64_t step = 0; step < 6; ++step) {
    const Tensor value = pair(static_cast<float>(step), 0);
    write_tensor(host_, from, step, value);
    ASSERT_TRUE((*action)->run(step));
    EXPECT_EQ(read_tensor(*first_, to, step), value);
  }
}

TEST_P(AcceleratorConformance, IsNotTheHost) {
  EXPECT_FALSE(first_->is_host());
  EXPECT_TRUE(host_.is_host());
}

TEST_P(AcceleratorConformance, RefusesCopiesThatItHasNoPartIn) {
  const OperandSlots from = host_slots(kPair);
  const OperandSlots to = allocate_slots(*second_, kPair);
  const auto action = first_->bind_copy({&host_, from, second_.get(), to});
  ASSERT_FALSE(action);
  EXPECT_THAT(action.error().message, HasSubstr("copy cpu -> gpu1: gpu0 is at neither end"));
  EXPECT_FALSE(host_.bind_copy({&host_, from, second_.get(), to}));
}

// A copy that a lane queues must not need the host's thread, so the host's end of it is pinned.
TEST_P(AcceleratorConformance, RefusesCopiesOfHostMemoryThatIsNotPinned) {
  const OperandSlots pageable = allocate_slots(host_, kPair, 2);
  const OperandSlots here = allocate_slots(*first_, kPair);
  const auto from_host = first_->bind_copy({&host_, pageable, first_.get(), here});
  ASSERT_FALSE(from_host);
  EXPECT_EQ(from_host.error().message,
            "copy cpu -> gpu0: the source is memory of the host that is not pinned for gpu0");
  const auto to_host = first_->bind_copy({first_.get(), here, &host_, pageable});
  ASSERT_FALSE(to_host);
  EXPECT_EQ(to_host.error().message,
            "copy gpu0 -> cpu: the destination is memory of the host that is not pinned for gpu0");
  // Its first version alone is not enough.
  ASSERT_TRUE(first_->adopt_host(pageable.first, pageable.stride_bytes));
  EXPECT_FALSE(first_->bind_copy({&host_, pageable, first_.get(), here}));
}

TEST_P(AcceleratorConformance, RefusesEndsInTheWrongMemoryAndOtherTypes) {
  const OperandSlots on_host = host_slots(kPair);
  const OperandSlots on_first = allocate_slots(*first_, kPair);
  const OperandSlots longer = allocate_slots(*first_, {ElementType::kF32, {3}});
  EXPECT_FALSE(first_->bind_copy({&host_, on_first, first_.get(), on_first}));
  EXPECT_FALSE(first_->bind_copy({&host_, on_host, first_.get(), on_host}));
  EXPECT_FALSE(first_->bind_copy({&host_, on_host, first_.get(), longer}));
}

}  // namespace
}  // namespace graphrt
