#include "runtime/device/cuda/cuda_device.h"

#include <algorithm>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/text.h"
#include "runtime/device/cuda/cuda_action.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/cuda/peer_access.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

constexpr uintptr_t kArenaAlignment = 4096;

std::byte* aligned(void* allocation) {
  const auto address = reinterpret_cast<uintptr_t>(allocation);
  const uintptr_t padding = (kArenaAlignment - address % kArenaAlignment) % kArenaAlignment;
  return static_cast<std::byte*>(allocation) + padding;
}

/// Whether CUDA can follow the addresses of `device`.
bool is_reachable(const Device& device) {
  return device.is_host() || dynamic_cast<const CudaDevice*>(&device) != nullptr;
}

Result<void> check_end(const Device& device, const OperandSlots& slots, const std::string& what,
                       const std::string& which) {
  if (!is_reachable(device)) {
    return input_error(what + ": " + device.name() + " is no CUDA device and not the host");
  }
  if (device.owns(slots.first, slots.extent_bytes())) return {};
  return input_error(what + ": the " + which + " is not in the memory of " + device.name());
}

}  // namespace

Result<std::unique_ptr<Device>> CudaDevice::open(const std::string& name, int32_t gpu) {
  Result<std::unique_ptr<CudaStream>> stream = CudaStream::create(gpu, true);
  const std::string refusal = "cannot open " + name + " on GPU " + std::to_string(gpu) + ": ";
  if (stream) {
    TRY(const GpuKind kind, gpu_kind(gpu));
    const Result<void> checked = check_gpu_kind(kind);
    if (!checked) return machine_error(refusal + checked.error().message);
    return std::unique_ptr<Device>(new CudaDevice(name, gpu, *std::move(stream)));
  }
  const bool is_full = cudaGetLastError() == cudaErrorMemoryAllocation;
  return machine_error(refusal + stream.error().message +
                       (is_full ? "; other programs hold its memory, nvidia-smi says which" : ""));
}

CudaDevice::CudaDevice(std::string name, int32_t gpu, std::unique_ptr<CudaStream> stream)
    : Device(std::move(name)), gpu_(gpu), stream_(std::move(stream)) {}

CudaDevice::~CudaDevice() {
  cudaSetDevice(gpu_);
  for (const Arena& arena : arenas_) cudaFree(arena.allocation);
  for (std::byte* begin : pinned_) cudaHostUnregister(begin);
}

MemoryPool CudaDevice::memory_pool() const {
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  if (!select_gpu(gpu_) || cudaMemGetInfo(&free_bytes, &total_bytes) != cudaSuccess) {
    free_bytes = 0;
  }
  return {"GPU " + std::to_string(gpu_), static_cast<int64_t>(free_bytes)};
}

std::vector<std::string> CudaDevice::notes() const {
  std::vector<std::string> notes;
  for (const std::string& note : notes_of_kernels_) notes.push_back(name() + ": " + note);
  for (const std::string& other : staged_) {
    notes.push_back(name() + " and " + other +
                    " do not reach each other's memory: copies between them go through the host, "
                    "slower than planned");
  }
  return notes;
}

const Device& CudaDevice::other_end(const CopyBinding& binding) const {
  return binding.source == this ? *binding.destination : *binding.source;
}

Result<std::byte*> CudaDevice::allocate(int64_t size_bytes) {
  CHECK(size_bytes >= 0, std::to_string(size_bytes));
  TRY(select_gpu(gpu_));
  void* allocation = nullptr;
  const size_t total = static_cast<size_t>(size_bytes) + kArenaAlignment;
  const cudaError_t status = cudaMalloc(&allocation, total);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return machine_error("cannot allocate " + format_bytes(size_bytes) + " on " + name() + ", of " +
                         format_bytes(memory_pool().available_bytes) +
                         " free: " + cudaGetErrorString(status));
  }
  arenas_.push_back({allocation, aligned(allocation), size_bytes});
  // Read before it is written, this is a NaN or -1.
  CUDA_TRY(cudaMemsetAsync(allocation, 0xFF, total, stream_->get()));
  TRY(stream_->synchronize());
  return arenas_.back().begin;
}

Result<void> CudaDevice::adopt_host(std::byte* begin, int64_t size_bytes) {
  if (size_bytes == 0) return {};
  TRY(select_gpu(gpu_));
  cudaPointerAttributes attributes{};
  CUDA_TRY(cudaPointerGetAttributes(&attributes, begin));
  if (attributes.type == cudaMemoryTypeHost) {  // another of the plan's has done it, for all
    known_.add(begin, size_bytes);
    return {};
  }
  const cudaError_t status = cudaHostRegister(begin, static_cast<size_t>(size_bytes),
                                              cudaHostRegisterPortable | cudaHostRegisterMapped);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return machine_error("cannot pin " + format_bytes(size_bytes) + " of host memory for " +
                         name() + ": " + cudaGetErrorString(status) +
                         "; the limit of locked memory (ulimit -l) may be too small");
  }
  pinned_.push_back(begin);
  known_.add(begin, size_bytes);
  return {};
}

bool CudaDevice::owns(const std::byte* begin, int64_t size_bytes) const {
  const auto at = reinterpret_cast<uintptr_t>(begin);
  return std::any_of(arenas_.begin(), arenas_.end(), [&](const Arena& arena) {
    const auto first = reinterpret_cast<uintptr_t>(arena.begin);
    return size_bytes >= 0 && size_bytes <= arena.size_bytes && at >= first &&
           at - first <= static_cast<uintptr_t>(arena.size_bytes - size_bytes);
  });
}

Result<void> CudaDevice::write(std::byte* to, std::span<const std::byte> from) {
  if (!owns(to, static_cast<int64_t>(from.size()))) {
    return input_error(name() + ": cannot write outside this device's memory");
  }
  TRY(select_gpu(gpu_));
  CUDA_TRY(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyDefault, stream_->get()));
  return stream_->synchronize();
}

Result<void> CudaDevice::read(const std::byte* from, std::span<std::byte> to) const {
  if (!owns(from, static_cast<int64_t>(to.size()))) {
    return input_error(name() + ": cannot read outside this device's memory");
  }
  TRY(select_gpu(gpu_));
  CUDA_TRY(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDefault, stream_->get()));
  return stream_->synchronize();
}

Result<void> CudaDevice::check_operand(const OperandSlots& slots, const std::string& what,
                                       const std::string& which) const {
  if (owns(slots.first, slots.extent_bytes())) return {};
  return input_error(what + ": " + which +
                     " is not in this device's memory; reading through another device's memory "
                     "fails: it needs a copy first");
}

Result<std::unique_ptr<Action>> CudaDevice::bind_kernel(const KernelBinding& binding) {
  const std::string what = std::string(binding.op) + " on " + name();
  for (size_t i = 0; i < binding.inputs.size(); ++i) {
    TRY(check_operand(binding.inputs[i], what, "input " + std::to_string(i)));
  }
  for (size_t i = 0; i < binding.results.size(); ++i) {
    TRY(check_operand(binding.results[i], what, "result " + std::to_string(i)));
  }
  if (binding.scratch) TRY(check_operand(*binding.scratch, what, "the scratch memory"));
  TRY(select_gpu(gpu_));
  TRY(auto kernel,
      prepare_cuda_kernel(binding.op, types_of(binding.inputs), types_of(binding.results),
                          *binding.attributes, stream_->queue().blas, binding.algorithm));
  if (std::string note = kernel->note(); !note.empty()) notes_of_kernels_.insert(std::move(note));
  return make_kernel_action(std::move(kernel), binding, what, *stream_);
}

Result<std::vector<std::string>> CudaDevice::algorithms(const KernelBinding& binding) {
  TRY(select_gpu(gpu_));
  return cuda_kernel_algorithms(binding.op, types_of(binding.inputs), types_of(binding.results),
                                *binding.attributes, stream_->queue().blas);
}

Result<std::unique_ptr<Action>> CudaDevice::bind_copy(const CopyBinding& binding) {
  const std::string what = "copy " + binding.source->name() + " -> " + binding.destination->name();
  if (binding.source != this && binding.destination != this) {
    return input_error(what + ": " + name() + " is at neither end");
  }
  if (binding.from.type != binding.to.type) {
    return input_error(what + ": the source is " + to_string(binding.from.type) +
                       ", the destination " + to_string(binding.to.type));
  }
  TRY(check_end(*binding.source, binding.from, what, "source"));
  TRY(check_end(*binding.destination, binding.to, what, "destination"));
  TRY(known_.check_ends(binding, name()));
  const auto* source = dynamic_cast<const CudaDevice*>(binding.source);
  const auto* destination = dynamic_cast<const CudaDevice*>(binding.destination);
  CopyReach reach = CopyReach::kKernels;
  if (source != nullptr && destination != nullptr) {
    // Both ways: a copy is driven by either end.
    TRY(const bool reaches, enable_peer_access(source->gpu(), destination->gpu()));
    TRY(const bool is_reached, enable_peer_access(destination->gpu(), source->gpu()));
    if (!reaches || !is_reached) {
      staged_.insert(other_end(binding).name());
      reach = CopyReach::kDriver;
    }
  }
  return make_copy_action(binding, reach, what, *stream_);
}

}  // namespace graphrt::cuda
