#include "runtime/device/cuda/cuda_stream.h"

#include <utility>

#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {

Result<void> select_gpu(int32_t gpu) {
  CUDA_TRY(cudaSetDevice(gpu));
  return {};
}

Result<std::unique_ptr<CudaStream>> CudaStream::create(int32_t gpu, bool has_blas) {
  TRY(select_gpu(gpu));
  std::unique_ptr<CudaStream> stream(new CudaStream(gpu));
  CUDA_TRY(cudaStreamCreateWithFlags(&stream->queue_.stream, cudaStreamNonBlocking));
  if (!has_blas) return stream;
  CUDA_TRY(cublasLtCreate(&stream->queue_.blas));
  return stream;
}

// What fails here fails because the GPU has failed before, which has been reported.
CudaStream::~CudaStream() {
  cudaSetDevice(gpu_);
  if (queue_.stream != nullptr) cudaStreamDestroy(queue_.stream);
  if (queue_.blas != nullptr) cublasLtDestroy(queue_.blas);
}

Result<void> CudaStream::copy_by_kernel() {
  int takes_host_addresses = 0;
  CUDA_TRY(cudaDeviceGetAttribute(&takes_host_addresses,
                                  cudaDevAttrCanUseHostPointerForRegisteredMem, gpu_));
  queue_.copies_by_kernel = takes_host_addresses != 0;
  return {};
}

Result<void> CudaStream::synchronize() const {
  CUDA_TRY(cudaStreamSynchronize(queue_.stream));
  return {};
}

Result<CudaEvent> CudaEvent::create(bool is_timed) {
  cudaEvent_t event = nullptr;
  CUDA_TRY(cudaEventCreateWithFlags(&event, is_timed ? cudaEventDefault : cudaEventDisableTiming));
  return CudaEvent(event);
}

CudaEvent::CudaEvent(CudaEvent&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}

CudaEvent& CudaEvent::operator=(CudaEvent&& other) noexcept {
  std::swap(event_, other.event_);
  return *this;
}

CudaEvent::~CudaEvent() {
  if (event_ != nullptr) cudaEventDestroy(event_);
}

}  // namespace graphrt::cuda
