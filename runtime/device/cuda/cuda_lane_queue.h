#pragma once

#include "runtime/device/lane_queue.h"

namespace graphrt::cuda {

/// Streams of all GPUs of a plan, launched by the thread that calls run().
///   kRecorded consecutive intervals are recorded as graphs before the run and launched one after
///             the other (docs/cuda.md argues that this keeps the plan's order)
///   kOneByOne every instruction is queued by itself
/// Requires: actions bound by CudaDevice.
/// Errors: what CUDA refuses (kMachine).
Result<std::unique_ptr<LaneQueue>> make_cuda_lane_queue(QueueProgram program, LaunchMode mode);

}  // namespace graphrt::cuda
