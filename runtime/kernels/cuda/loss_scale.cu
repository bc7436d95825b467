// What keeps gradients in the range of f16: a few numbers a step, one thread each.
#include <cfloat>
#include <cstdint>
#include <limits>

#include "runtime/kernels/cuda/launch.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/op/loss_scale.h"

namespace graphrt::cuda {
namespace {

/// 1 / scale, or less of a gradient that is too long; NaN says that the step is to be skipped.
__global__ void find_unscale_factor(float max_norm, const float* norm, const float* scale,
                                    float* y) {
  const float length = *norm;
  const float times = *scale;
  if (!isfinite(length) || !(times > 0)) {
    *y = nanf("");
    return;
  }
  // In double: what the norm is without the scale has to fit in f32 no more than the norm does.
  const bool is_long =
      static_cast<double>(length) > static_cast<double>(max_norm) * static_cast<double>(times);
  *y = is_long ? __fdiv_rn(max_norm, length) : __fdiv_rn(1, times);
}

/// What a loss scale follows.
struct ScaleRule {
  float growth;
  float backoff;
  int64_t every;

  __device__ float next(float scale, int32_t streak, float factor) const {
    if (!(scale > 0)) return scale;
    const bool is_skipped = isnan(factor);
    if (is_skipped && streak <= 1 - kMaxSkipsInARow) return -scale;
    const bool grows = !is_skipped && int64_t{streak} + 1 >= every;
    const float other = __fmul_rn(scale, is_skipped ? backoff : growth);
    const bool is_possible = other >= FLT_MIN && other <= FLT_MAX;
    return (is_skipped || grows) && is_possible ? other : scale;
  }
};

__global__ void update_loss_scale(const ScaleRule rule, const float* scale, const int32_t* streak,
                                  const float* factor, float* y) {
  *y = rule.next(*scale, *streak, *factor);
}

__global__ void update_streak(int64_t every, const int32_t* streak, const float* factor,
                              int32_t* y) {
  const int32_t before = *streak;
  if (isnan(*factor)) {
    *y = max(min(before, 0), 1 - INT32_MAX) - 1;
    return;
  }
  const int64_t num_good = int64_t{max(before, 0)} + 1;
  *y = num_good >= every ? 0 : static_cast<int32_t>(num_good);
}

__global__ void count_taken_step(const int32_t* step, const float* factor, int32_t* y) {
  const uint32_t next = static_cast<uint32_t>(*step) + (isnan(*factor) ? 0U : 1U);
  *y = static_cast<int32_t>(next);
}

/// launch(arguments, stream) of one thread.
template <class Launch>
class OneThreadKernel : public CudaKernel {
 public:
  explicit OneThreadKernel(Launch launch) : launch_(launch) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    launch_(at, queue.stream);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Launch launch_;
};

template <class Launch>
KernelResult make_one_thread(Launch launch) {
  return std::make_unique<OneThreadKernel<Launch>>(launch);
}

float float_of(const KernelSpec& spec, std::string_view name, float otherwise) {
  return static_cast<float>(spec.attributes.number(name, static_cast<double>(otherwise)));
}

int64_t steps_between_growths(const KernelSpec& spec) {
  return spec.attributes.integer("every", kStepsBetweenGrowths);
}

}  // namespace

KernelResult prepare_unscale_factor(const KernelSpec& spec) {
  const float max_norm = float_of(spec, "max_norm", std::numeric_limits<float>::infinity());
  return make_one_thread([max_norm](const KernelArguments& at, cudaStream_t stream) {
    find_unscale_factor<<<1, 1, 0, stream>>>(max_norm, elements<float>(at.inputs[0]),
                                             elements<float>(at.inputs[1]),
                                             elements<float>(at.result()));
  });
}

KernelResult prepare_loss_scale_update(const KernelSpec& spec) {
  const ScaleRule rule{float_of(spec, "growth", 2), float_of(spec, "backoff", 0.5F),
                       steps_between_growths(spec)};
  return make_one_thread([rule](const KernelArguments& at, cudaStream_t stream) {
    update_loss_scale<<<1, 1, 0, stream>>>(
        rule, elements<float>(at.inputs[0]), elements<int32_t>(at.inputs[1]),
        elements<float>(at.inputs[2]), elements<float>(at.result()));
  });
}

KernelResult prepare_streak_update(const KernelSpec& spec) {
  return make_one_thread(
      [every = steps_between_growths(spec)](const KernelArguments& at, cudaStream_t stream) {
        update_streak<<<1, 1, 0, stream>>>(every, elements<int32_t>(at.inputs[0]),
                                           elements<float>(at.inputs[1]),
                                           elements<int32_t>(at.result()));
      });
}

KernelResult prepare_count_step(const KernelSpec&) {
  return make_one_thread([](const KernelArguments& at, cudaStream_t stream) {
    count_taken_step<<<1, 1, 0, stream>>>(elements<int32_t>(at.inputs[0]),
                                          elements<float>(at.inputs[1]),
                                          elements<int32_t>(at.result()));
  });
}

}  // namespace graphrt::cuda
