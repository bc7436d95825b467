#pragma once

#include <cudnn.h>

#include <mutex>
#include <string>

namespace graphrt::cuda {

/// cuDNN on one GPU. Handles live as long as the process: cuDNN is not unloaded either.
struct CudnnHandle {
  cudnnHandle_t handle = nullptr;
  std::string refusal;  ///< why there is none; empty: there is one
  std::mutex mutex;     ///< a handle has one stream at a time
};

/// That of the current device. Threads: any.
CudnnHandle& cudnn_of_current_device();

}  // namespace graphrt::cuda
