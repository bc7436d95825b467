#pragma once

#include <vector>

#include "runtime/device/device.h"
#include "runtime/device/host_arena.h"

namespace graphrt {

/// The host: memory of this process and the CPU's kernels, which run on the calling thread.
class CpuDevice : public Device {
 public:
  using Device::Device;

  bool is_host() const override { return true; }
  MemoryPool memory_pool() const override;
  Result<std::byte*> allocate(int64_t size_bytes) override;
  bool owns(const std::byte* begin, int64_t size_bytes) const override;
  Result<void> write(std::byte* to, std::span<const std::byte> from) override;
  Result<void> read(const std::byte* from, std::span<std::byte> to) const override;
  Result<std::unique_ptr<Action>> bind_kernel(const KernelBinding& binding) override;
  /// Refused: a copy has an accelerator at one end, and that one binds it.
  Result<std::unique_ptr<Action>> bind_copy(const CopyBinding& binding) override;

 private:
  std::vector<HostArena> arenas_;
};

}  // namespace graphrt
