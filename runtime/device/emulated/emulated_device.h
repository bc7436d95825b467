#pragma once

#include "runtime/device/cpu_device.h"
#include "runtime/device/known_host_memory.h"

namespace graphrt {

/// Stands for an accelerator on a machine without one: memory that only this device and copies
/// touch, and the CPU's kernels. Results have the bits of a CPU run; times say nothing about the
/// accelerator.
class EmulatedDevice final : public CpuDevice {
 public:
  using CpuDevice::CpuDevice;

  bool is_host() const override { return false; }
  /// Pins nothing, but refuses copies of other memory as an accelerator would.
  Result<void> adopt_host(std::byte* begin, int64_t size_bytes) override;
  Result<std::unique_ptr<Action>> bind_copy(const CopyBinding& binding) override;

 private:
  KnownHostMemory known_;
};

}  // namespace graphrt
