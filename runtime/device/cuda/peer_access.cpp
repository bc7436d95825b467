#include "runtime/device/cuda/peer_access.h"

#include <cuda_runtime.h>

#include <array>
#include <numeric>
#include <utility>

#include "runtime/device/cuda/cuda_stream.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

using Pattern = std::array<uint32_t, 1024>;

/// Device memory for one pattern.
class Probe {
 public:
  static Result<Probe> create(int32_t gpu) {
    TRY(select_gpu(gpu));
    Probe probe;
    CUDA_TRY(cudaMalloc(&probe.address_, sizeof(Pattern)));
    return probe;
  }
  Probe(Probe&& other) noexcept : address_(std::exchange(other.address_, nullptr)) {}
  Probe& operator=(Probe&&) = delete;
  ~Probe() { cudaFree(address_); }
  void* get() const { return address_; }

 private:
  Probe() = default;
  void* address_ = nullptr;
};

/// Writes a pattern over the link and reads it back on the other side.
Result<bool> arrives(int32_t gpu, int32_t peer) {
  Pattern sent;
  std::iota(sent.begin(), sent.end(), 0xC0FFEEU);
  Pattern received{};
  TRY(const Probe there, Probe::create(peer));
  CUDA_TRY(cudaMemset(there.get(), 0, sizeof(Pattern)));
  CUDA_TRY(cudaDeviceSynchronize());
  TRY(const Probe here, Probe::create(gpu));
  CUDA_TRY(cudaMemcpy(here.get(), sent.data(), sizeof(Pattern), cudaMemcpyDefault));
  CUDA_TRY(cudaMemcpy(there.get(), here.get(), sizeof(Pattern), cudaMemcpyDefault));
  CUDA_TRY(cudaDeviceSynchronize());
  CUDA_TRY(cudaMemcpy(received.data(), there.get(), sizeof(Pattern), cudaMemcpyDefault));
  return received == sent;
}

}  // namespace

Result<bool> enable_peer_access(int32_t gpu, int32_t peer) {
  if (gpu == peer) return true;
  int is_announced = 0;
  CUDA_TRY(cudaDeviceCanAccessPeer(&is_announced, gpu, peer));
  if (is_announced == 0) return false;
  TRY(select_gpu(gpu));
  const cudaError_t status = cudaDeviceEnablePeerAccess(peer, 0);
  if (status == cudaErrorPeerAccessAlreadyEnabled) {
    cudaGetLastError();
    return true;
  }
  CUDA_TRY(status);
  Result<bool> is_working = arrives(gpu, peer);
  if (is_working && *is_working) return true;
  // Also after an error: an unproved link must not look as if it had been enabled on purpose.
  TRY(select_gpu(gpu));
  CUDA_TRY(cudaDeviceDisablePeerAccess(peer));
  return is_working;
}

}  // namespace graphrt::cuda
