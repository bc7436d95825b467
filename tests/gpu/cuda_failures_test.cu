// What a kernel that reads where nothing is does to a run. It ends the process's use of the GPU, so
// each of these tests is a process of its own.
#include <gmock/gmock.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "runtime/device/cuda/cuda_action.h"
#include "runtime/device/cuda/cuda_lane_queue.h"
#include "tests/gpu/gpu_test.h"

namespace graphrt {
namespace {

constexpr int kExitCode = 3;

__global__ void write_to(float* nowhere) { *nowhere = 1; }

/// An operator that has gone astray.
class AstrayAction final : public cuda::CudaAction {
 public:
  explicit AstrayAction(cuda::CudaStream& stream) : CudaAction("relu on gpu0", stream) {}
  bool is_kernel() const override { return true; }

 private:
  Result<void> launch(int64_t /*step*/, const CudaQueue& queue) override {
    write_to<<<1, 1, 0, queue.stream>>>(reinterpret_cast<float*>(16));
    return {};
  }
};

/// Ends the process with the message of the error.
[[noreturn]] void leave(const Result<void>& result) {
  std::fprintf(stderr, "%s\n", result ? "no error" : result.error().message.c_str());
  std::exit(result ? 0 : kExitCode);
}

[[noreturn]] void run_queued(LaunchMode mode) {
  auto stream = cuda::CudaStream::create(0, true).value();
  AstrayAction action(*stream);
  QueueProgram program;
  program.name = "lost";
  program.interval_ns = 1'000'000'000;
  QueuedInstruction instruction;
  instruction.name = "hidden";
  instruction.action = &action;
  const auto lane = program.lanes.push_back({"gpu0.stream0", "gpu0", {instruction}});
  program.order = {{lane, 0}};
  auto queue = cuda::make_cuda_lane_queue(std::move(program), mode).value();
  const auto prepared = queue->prepare({0, 3}, false);
  if (!prepared) leave(prepared);
  const std::atomic<bool> is_stopping = false;
  leave(queue->run(is_stopping));
}

class CudaFailures : public GpuTest {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    GpuTest::SetUp();
  }
};

TEST_F(CudaFailures, AnIllegalAccessInARecordedGraphNamesThePlanAndWhatToDo) {
  for (const LaunchMode mode : {LaunchMode::kRecorded, LaunchMode::kOneByOne}) {
    EXPECT_EXIT(run_queued(mode), testing::ExitedWithCode(kExitCode),
                "the GPUs stopped in 'lost': cudaErrorIllegalAddress, .*; run it with "
                "--launch=host, which names the operator");
  }
}

TEST_F(CudaFailures, AnIllegalAccessThatTheHostWaitsForNamesTheOperator) {
  const auto run_by_host = [] {
    auto stream = cuda::CudaStream::create(0, true).value();
    leave(AstrayAction(*stream).run(0));
  };
  EXPECT_EXIT(run_by_host(), testing::ExitedWithCode(kExitCode),
              "relu on gpu0: .*cudaErrorIllegalAddress");
}

}  // namespace
}  // namespace graphrt
