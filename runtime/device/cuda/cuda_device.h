#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/device/cuda/cuda_stream.h"
#include "runtime/device/device.h"
#include "runtime/device/known_host_memory.h"

namespace graphrt::cuda {

/// One GPU: memory of its own, and CUDA's kernels. Two devices of a plan may share one GPU.
class CudaDevice final : public Device {
 public:
  /// Errors: what CUDA reports (kMachine).
  static Result<std::unique_ptr<Device>> open(const std::string& name, int32_t gpu);

  ~CudaDevice() override;

  bool is_host() const override { return false; }
  MemoryPool memory_pool() const override;
  std::vector<std::string> notes() const override;
  Result<std::byte*> allocate(int64_t size_bytes) override;
  Result<void> adopt_host(std::byte* begin, int64_t size_bytes) override;
  bool owns(const std::byte* begin, int64_t size_bytes) const override;
  Result<void> write(std::byte* to, std::span<const std::byte> from) override;
  Result<void> read(const std::byte* from, std::span<std::byte> to) const override;
  Result<std::unique_ptr<Action>> bind_kernel(const KernelBinding& binding) override;
  Result<std::vector<std::string>> algorithms(const KernelBinding& binding) override;
  Result<std::unique_ptr<Action>> bind_copy(const CopyBinding& binding) override;

  int32_t gpu() const { return gpu_; }

 private:
  struct Arena {
    void* allocation;
    std::byte* begin;  // aligned
    int64_t size_bytes;
  };

  CudaDevice(std::string name, int32_t gpu, std::unique_ptr<CudaStream> stream);
  const Device& other_end(const CopyBinding& binding) const;
  Result<void> check_operand(const OperandSlots& slots, const std::string& what,
                             const std::string& which) const;

  int32_t gpu_;
  std::unique_ptr<CudaStream> stream_;  // for all that happens outside of a queue
  std::vector<Arena> arenas_;
  std::vector<std::byte*> pinned_;  // by this device
  KnownHostMemory known_;           // pinned by this device or another
  std::set<std::string> notes_of_kernels_;
  std::set<std::string> staged_;  // devices that copies reach only through the host
};

}  // namespace graphrt::cuda
