#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/base/check.h"

namespace graphrt {

/// Why there is no GPU to test on; empty where there is one.
inline std::string why_no_gpu() {
  int num_gpus = 0;
  const cudaError_t status = cudaGetDeviceCount(&num_gpus);
  if (status != cudaSuccess) return cudaGetErrorString(status);
  return num_gpus == 0 ? "CUDA finds no GPU" : "";
}

/// Where GRAPHRT_REQUIRE_GPU=1 is set, tests that need a GPU fail without one.
inline bool gpu_is_required() {
  const char* value = std::getenv("GRAPHRT_REQUIRE_GPU");
  return value != nullptr && std::string_view(value) == "1";
}

/// Base of all tests that need a GPU.
class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_gpu();
    if (reason.empty()) return;
    if (gpu_is_required()) FAIL() << "GRAPHRT_REQUIRE_GPU=1: " << reason;
    GTEST_SKIP() << "skipped without a GPU: " << reason;
  }
};

/// Ends the test program when a call of CUDA that a test needs goes wrong.
inline void require(cudaError_t status) {
  CHECK(status == cudaSuccess, std::string(cudaGetErrorString(status)));
}
inline void require(cublasStatus_t status) {
  CHECK(status == CUBLAS_STATUS_SUCCESS, std::string(cublasLtGetStatusString(status)));
}

/// Memory of the current GPU.
class GpuMemory {
 public:
  explicit GpuMemory(int64_t size_bytes) {
    void* address = nullptr;
    require(cudaMalloc(&address, static_cast<size_t>(size_bytes)));
    begin_ = static_cast<std::byte*>(address);
  }
  GpuMemory(const GpuMemory&) = delete;
  GpuMemory& operator=(const GpuMemory&) = delete;
  ~GpuMemory() { cudaFree(begin_); }

  std::byte* begin() const { return begin_; }

 private:
  std::byte* begin_ = nullptr;
};

}  // namespace graphrt
