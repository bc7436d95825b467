#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <string>

#include "runtime/base/result.h"

namespace graphrt::cuda {

/// An error of the CUDA runtime: the call, CUDA's name for the error and its sentence (kMachine).
tl::unexpected<Error> cuda_error(cudaError_t status, const char* call);
/// The same for cuBLASLt.
tl::unexpected<Error> cuda_error(cublasStatus_t status, const char* call);

inline bool succeeded(cudaError_t status) { return status == cudaSuccess; }
inline bool succeeded(cublasStatus_t status) { return status == CUBLAS_STATUS_SUCCESS; }

}  // namespace graphrt::cuda

/// `CUDA_TRY(cudaMalloc(&address, size));`: returns the error of a failed call.
#define CUDA_TRY(call)                                                                            \
  do {                                                                                            \
    if (const auto cuda_status = (call); !::graphrt::cuda::succeeded(cuda_status)) [[unlikely]] { \
      return ::graphrt::cuda::cuda_error(cuda_status, #call);                                     \
    }                                                                                             \
  } while (false)
