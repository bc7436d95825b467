#include "runtime/device/cpu_device.h"

#include <cstring>
#include <utility>

#include "runtime/kernels/cpu/cpu_kernels.h"

namespace graphrt {
namespace {

class CpuKernelAction final : public Action {
 public:
  CpuKernelAction(std::unique_ptr<const PreparedKernel> kernel, const KernelBinding& binding)
      : kernel_(std::move(kernel)), slots_(binding.inputs, binding.results, binding.scratch) {}

  Result<void> run(int64_t step) override {
    kernel_->run(slots_.at(step));
    return {};
  }

 private:
  std::unique_ptr<const PreparedKernel> kernel_;
  KernelSlots slots_;
};

}  // namespace

MemoryPool CpuDevice::memory_pool() const { return {"host", available_host_bytes()}; }

Result<std::byte*> CpuDevice::allocate(int64_t size_bytes) {
  TRY(HostArena arena, HostArena::create(size_bytes));
  arenas_.push_back(std::move(arena));
  return arenas_.back().data();
}

bool CpuDevice::owns(const std::byte* begin, int64_t size_bytes) const {
  for (const HostArena& arena : arenas_) {
    if (arena.contains(begin, size_bytes)) return true;
  }
  return false;
}

Result<void> CpuDevice::write(std::byte* to, std::span<const std::byte> from) {
  if (!owns(to, static_cast<int64_t>(from.size()))) {
    return input_error(name() + ": cannot write outside this device's memory");
  }
  std::memcpy(to, from.data(), from.size());
  return {};
}

Result<void> CpuDevice::read(const std::byte* from, std::span<std::byte> to) const {
  if (!owns(from, static_cast<int64_t>(to.size()))) {
    return input_error(name() + ": cannot read outside this device's memory");
  }
  std::memcpy(to.data(), from, to.size());
  return {};
}

Result<std::unique_ptr<Action>> CpuDevice::bind_kernel(const KernelBinding& binding) {
  for (size_t i = 0; i < binding.inputs.size(); ++i) {
    const OperandSlots& input = binding.inputs[i];
    if (!owns(input.first, input.extent_bytes())) {
      return input_error(name() + ": input " + std::to_string(i) + " of '" +
                         std::string(binding.op) +
                         "' is not in this device's memory; reading through another device's "
                         "memory fails: it needs a copy first");
    }
  }
  for (const OperandSlots& result : binding.results) {
    if (!owns(result.first, result.extent_bytes())) {
      return input_error(name() + ": a result of '" + std::string(binding.op) +
                         "' is not in this device's memory");
    }
  }
  if (binding.scratch && !owns(binding.scratch->first, binding.scratch->extent_bytes())) {
    return input_error(name() + ": the scratch memory of '" + std::string(binding.op) +
                       "' is not in this device's memory");
  }
  TRY(auto kernel, prepare_cpu_kernel(binding.op, types_of(binding.inputs),
                                      types_of(binding.results), *binding.attributes));
  return std::make_unique<CpuKernelAction>(std::move(kernel), binding);
}

Result<std::unique_ptr<Action>> CpuDevice::bind_copy(const CopyBinding&) {
  return input_error(name() + ": copies are bound by the accelerator at one of their ends");
}

}  // namespace graphrt
