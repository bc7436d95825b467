#include "runtime/kernels/cuda/joint_launch.h"

#include "runtime/base/check.h"
#include "runtime/kernels/cuda/joint_table.cuh"

namespace graphrt {
namespace cuda {
namespace {

template <class Rule>
__device__ void update_part(const Rule& rule, const UpdateJob& job, int64_t thread) {
  TensorsOf<Rule> tensors;
  for (size_t i = 0; i < Rule::kNumTensors; ++i) tensors.x[i] = job.tensors.x[i];
  for (size_t i = 0; i < Rule::kNumResults; ++i) tensors.y[i] = job.tensors.y[i];
  tensors.num_elements = job.tensors.num_elements;
  if (job.is_aligned) return update_by_thread<kWidest>(rule, tensors, job.new_element, thread);
  update_by_thread<1>(rule, tensors, job.new_element, thread);
}

__global__ void update_jointly(const __grid_constant__ JointTable table) {
  int number = 0;
  while (blockIdx.x >= table.jobs[number].end_block) ++number;
  const UpdateJob& job = table.jobs[number];
  const uint32_t first_block = number == 0 ? 0 : table.jobs[number - 1].end_block;
  const int64_t thread = int64_t{blockIdx.x - first_block} * kThreadsPerBlock + threadIdx.x;
  switch (job.kind) {
    case UpdateKind::kSgd:
      return update_part(job.rule.sgd, job, thread);
    case UpdateKind::kMomentum:
      return update_part(job.rule.momentum, job, thread);
    case UpdateKind::kDecayedMomentum:
      return update_part(job.rule.decayed_momentum, job, thread);
    case UpdateKind::kMovingAverage:
      return update_part(job.rule.average, job, thread);
    case UpdateKind::kMovingAverageOfSquares:
      return update_part(job.rule.average_of_squares, job, thread);
    case UpdateKind::kAdam:
      return update_part(job.rule.adam, job, thread);
    case UpdateKind::kAdamStep:
      return update_part(job.rule.adam_step, job, thread);
  }
}

}  // namespace
}  // namespace cuda

JointLaunch::JointLaunch() : table_(std::make_unique<cuda::JointTable>()) { clear(); }
JointLaunch::JointLaunch(JointLaunch&&) noexcept = default;
JointLaunch::~JointLaunch() = default;

bool JointLaunch::add(const CudaKernel& kernel, const KernelArguments& at) {
  CHECK(table_->num_jobs < kMaxOpsInLaunch, "the plan was verified");
  return kernel.join(*table_, at);
}

void JointLaunch::clear() { table_->num_jobs = 0; }

Result<void> JointLaunch::launch(const CudaQueue& queue) {
  if (table_->num_jobs == 0) return {};
  const uint32_t num_blocks = table_->jobs[table_->num_jobs - 1].end_block;
  clear();
  if (num_blocks == 0) return {};
  cuda::update_jointly<<<num_blocks, cuda::kThreadsPerBlock, 0, queue.stream>>>(*table_);
  CUDA_TRY(cudaGetLastError());
  return {};
}

}  // namespace graphrt
