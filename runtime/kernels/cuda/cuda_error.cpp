#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {

tl::unexpected<Error> cuda_error(cudaError_t status, const char* call) {
  return machine_error(std::string(call) + " failed: " + cudaGetErrorName(status) + ", " +
                       cudaGetErrorString(status));
}

tl::unexpected<Error> cuda_error(cublasStatus_t status, const char* call) {
  return machine_error(std::string(call) + " failed: " + cublasLtGetStatusName(status) + ", " +
                       cublasLtGetStatusString(status));
}

}  // namespace graphrt::cuda
