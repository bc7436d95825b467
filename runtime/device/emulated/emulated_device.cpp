#include "runtime/device/emulated/emulated_device.h"

#include <cstring>
#include <utility>

namespace graphrt {
namespace {

class MemoryCopyAction final : public Action {
 public:
  explicit MemoryCopyAction(const CopyBinding& binding)
      : from_(binding.from),
        to_(binding.to),
        num_bytes_(static_cast<size_t>(binding.from.type.size_bytes())) {}

  Result<void> run(int64_t step) override {
    std::memcpy(to_.at(step), from_.at(step), num_bytes_);
    return {};
  }

 private:
  OperandSlots from_;
  OperandSlots to_;
  size_t num_bytes_;
};

/// Whether this process can follow the addresses of `device`.
bool is_in_this_process(const Device& device) { return device.memory_pool().name == "host"; }

}  // namespace

Result<void> EmulatedDevice::adopt_host(std::byte* begin, int64_t size_bytes) {
  known_.add(begin, size_bytes);
  return {};
}

Result<std::unique_ptr<Action>> EmulatedDevice::bind_copy(const CopyBinding& binding) {
  const std::string what = "copy " + binding.source->name() + " -> " + binding.destination->name();
  if (binding.source != this && binding.destination != this) {
    return input_error(what + ": " + name() + " is at neither end");
  }
  if (binding.from.type != binding.to.type) {
    return input_error(what + ": the source is " + to_string(binding.from.type) +
                       ", the destination " + to_string(binding.to.type));
  }
  if (!is_in_this_process(*binding.source) || !is_in_this_process(*binding.destination)) {
    return input_error(what + ": emulated and real accelerators cannot be mixed");
  }
  if (!binding.source->owns(binding.from.first, binding.from.extent_bytes())) {
    return input_error(what + ": the source is not in the memory of " + binding.source->name());
  }
  if (!binding.destination->owns(binding.to.first, binding.to.extent_bytes())) {
    return input_error(what + ": the destination is not in the memory of " +
                       binding.destination->name());
  }
  TRY(known_.check_ends(binding, name()));
  return std::make_unique<MemoryCopyAction>(binding);
}

}  // namespace graphrt
