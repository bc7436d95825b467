#include <string_view>

#include "runtime/device/cuda/cuda_device.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/cuda/cuda_lane_queue.h"
#include "runtime/device/loaded_back_end.h"

/// NVIDIA GPUs through the CUDA runtime. Where there is no driver or no GPU it counts none.
extern "C" const char* graphrt_fill_back_end(const char* version, graphrt::BackEnd* back_end) {
  using namespace graphrt;
  if (std::string_view(version) == GRAPHC_VERSION) {
    *back_end = {.open = cuda::CudaDevice::open,
                 .count = cuda::count_gpus,
                 .make_queue = cuda::make_cuda_lane_queue,
                 .prepare = cuda::set_cuda_environment};
  }
  return GRAPHC_VERSION;
}
