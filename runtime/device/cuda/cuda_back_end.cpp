#include "runtime/device/cuda/cuda_back_end.h"

#include "runtime/device/cuda/cuda_device.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/cuda/cuda_lane_queue.h"

namespace graphrt {

BackEnd cuda_back_end() {
  return {.open = cuda::CudaDevice::open,
          .count = cuda::count_gpus,
          .make_queue = cuda::make_cuda_lane_queue,
          .prepare = cuda::set_cuda_environment};
}

}  // namespace graphrt
