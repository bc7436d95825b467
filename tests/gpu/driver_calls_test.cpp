#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <ostream>

#include "compiler/compile.h"
#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/source_file.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/launch_windows.h"
#include "runtime/engine/queued_lanes.h"
#include "runtime/session/session.h"
#include "tests/gpu/driver_call_counter.h"
#include "tests/gpu/gpu_test.h"

/// What a run asks of the driver once its recordings are made. The graphs are read from graphs/ in
/// the current folder: the repository's, or that of a bundle.
namespace graphc {
namespace {

using graphrt::DriverCallCounter;
using graphrt::DriverCalls;
using graphrt::LaunchMode;
using graphrt::QueueProgram;
using graphrt::Session;
using ::testing::IsEmpty;

/// What no step may ask for: memory, pinned memory, code, events, streams, recordings, and to wait
/// for everything there is.
constexpr std::array<std::string_view, 19> kNotInAStep = {
    "cuCtxSynchronize",     "cuEventCreate",  "cuEventDestroy",  "cuGraphInstantiate",
    "cuGraphUpload",        "cuLibraryLoad",  "cuLibraryUnload", "cuMemAlloc",
    "cuMemCreate",          "cuMemFree",      "cuMemHostAlloc",  "cuMemHostRegister",
    "cuMemHostUnregister",  "cuMemMap",       "cuModuleLoad",    "cuModuleUnload",
    "cuStreamBeginCapture", "cuStreamCreate", "cuStreamDestroy",
};
/// What changes nothing, and is asked for as often as the thread has time.
constexpr std::array<std::string_view, 4> kOnlyAsks = {"cuEventQuery", "cuStreamQuery", "cuCtxGet",
                                                       "cuDeviceGet"};
/// What becomes a node of a graph that is being recorded.
constexpr std::array<std::string_view, 4> kMakesANode = {"cuLaunchKernel", "cuMemcpy", "cuMemset",
                                                         "cuStreamBatchMemOp"};

/// What one recording holds at most; docs/cuda.md says so.
constexpr int64_t kMaxRecordedInstructions = 8000;
constexpr int64_t kMaxRecordedNs = 2'000'000'000;

struct Example {
  std::string name;
  std::string graph_path;
  std::string machine_path;
};

/// What GoogleTest shows of it.
void PrintTo(const Example& example, std::ostream* out) { *out << example.name; }

std::shared_ptr<const SourceFile> read(const std::string& path) {
  auto file = read_source_file(path);
  CHECK(file.has_value(), "the current folder must be the one that holds graphs/: " + path);
  return *std::move(file);
}

Plan compile_example(const Example& example) {
  DiagnosticSink diagnostics;
  const auto loaded = load_graph(read(example.graph_path), diagnostics);
  CHECK(loaded.has_value(), diagnostics.render_all());
  const auto machine = load_machine(read(example.machine_path), diagnostics);
  CHECK(machine.has_value(), diagnostics.render_all());
  CompileOptions options;
  options.plan_folder = "graphs";
  const auto compilation = compile(loaded->request, *machine, options, diagnostics);
  CHECK(compilation.has_value(), diagnostics.render_all());
  return compilation->plan;
}

/// What the GPUs' queue gets of a plan.
QueueProgram queue_program_of(const Plan& plan) {
  graphrt::QueueOfDevice queue_of;
  for (const graphrt::PlanDevice& device : plan.devices) {
    queue_of.push_back(device.kind == "cpu" ? std::nullopt : std::optional(graphrt::QueueId(0)));
  }
  IdVector<graphrt::InstructionId, std::unique_ptr<graphrt::Action>> no_actions;
  no_actions.resize(plan.instructions.size());
  return divide_plan(plan, queue_of, no_actions).value().queues[graphrt::QueueId(0)].program;
}

/// At least so many steps, and as many as let a second run find the addresses of the first, so that
/// its recordings serve both.
int64_t whole_periods(const QueueProgram& program, int64_t min_steps) {
  const int64_t period = program.num_phases;
  return (min_steps + period - 1) / period * period;
}

int64_t max_recorded_intervals(const QueueProgram& program) {
  return std::min(kMaxRecordedInstructions / std::ssize(program.order),
                  kMaxRecordedNs / std::max<int64_t>(program.interval_ns, 1));
}

int64_t num_windows(const QueueProgram& program, int64_t num_steps) {
  const int64_t num_slots = graphrt::num_signal_slots(program);
  return std::ssize(graphrt::launch_windows(
      {.num_steps = num_steps,
       .max_stage = program.max_stage,
       .num_leading = std::max<int64_t>(program.max_stage, graphrt::longest_signal(program)),
       .period = std::lcm(int64_t{program.num_phases}, num_slots),
       .max_intervals = max_recorded_intervals(program)}));
}

class CudaDriverCalls : public graphrt::GpuTest, public ::testing::WithParamInterface<Example> {
 protected:
  // As graphrun does: the driver reads its settings at its first call.
  static void SetUpTestSuite() { graphrt::cuda::set_cuda_environment(LaunchMode::kRecorded); }
  static void TearDownTestSuite() { counter_.reset(); }

  void SetUp() override {
    GpuTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    plan_ = compile_example(GetParam());
    program_ = queue_program_of(plan_);
    if (counter_ != nullptr) return;
    auto counter = DriverCallCounter::create();
    if (counter) {
      counter_ = *std::move(counter);
      return;
    }
    const std::string& reason = counter.error().message;
    if (graphrt::gpu_is_required()) FAIL() << "GRAPHRT_REQUIRE_GPU=1, and no CUPTI: " << reason;
    GTEST_SKIP() << "skipped without CUPTI: " << reason;
  }

  /// All accelerators on one GPU.
  Session open(LaunchMode mode) const {
    graphrt::SessionOptions options{.devices = {.choice = "cuda", .map = {}}, .launch = mode};
    for (const graphrt::PlanDevice& device : plan_.devices) {
      if (device.kind != "cpu") options.devices.map[device.name] = 0;
    }
    auto session = Session::create(plan_, "graphs", options, graphrt::builtin_devices());
    CHECK(session.has_value(), session ? "" : session.error().message);
    return *std::move(session);
  }

  static DriverCalls calls_of_run(Session& session, int64_t num_steps) {
    counter_->start();
    const auto finished = session.run(num_steps);
    DriverCalls calls = counter_->stop();
    EXPECT_TRUE(finished) << finished.error().message;
    return calls;
  }
  static DriverCalls calls_of_second_run(Session& session, int64_t num_steps) {
    EXPECT_TRUE(session.run(num_steps));
    return calls_of_run(session, num_steps);
  }

  static DriverCallCounter& counter() { return *counter_; }
  const QueueProgram& program() const { return program_; }

 private:
  static inline std::unique_ptr<DriverCallCounter> counter_;  // CUPTI has one a process
  Plan plan_;
  QueueProgram program_;
};

INSTANTIATE_TEST_SUITE_P(
    Examples, CudaDriverCalls,
    ::testing::Values(Example{"Figure", "graphs/mlp_figure.yaml", "graphs/machines/cpu-2gpu.yaml"},
                      Example{"OneGpu", "graphs/mlp_single.yaml", "graphs/machines/cpu-1gpu.yaml"}),
    [](const auto& example) { return example.param.name; });

constexpr int64_t kFewSteps = 5;

// That the other tests find none of these in a run means something only if they are seen here.
TEST_P(CudaDriverCalls, OpeningAndTheFirstRunAskForAllThatLaterRunsDoWithout) {
  counter().start();
  Session session = open(LaunchMode::kRecorded);
  const DriverCalls opening = counter().stop();
  for (const std::string_view name :
       {"cuMemAlloc", "cuMemHostAlloc", "cuMemHostRegister", "cuStreamCreate", "cuEventCreate"}) {
    EXPECT_GT(opening.num(name), 0) << name;
  }
  const DriverCalls first = calls_of_run(session, whole_periods(program(), kFewSteps));
  EXPECT_EQ(first.num("cuStreamBeginCapture"), 1);
  EXPECT_EQ(first.num("cuGraphInstantiate"), 1);
  EXPECT_EQ(first.num("cuGraphLaunch"), 1);
}

TEST_P(CudaDriverCalls, ASecondRunIsOneLaunch) {
  Session session = open(LaunchMode::kRecorded);
  const DriverCalls calls = calls_of_second_run(session, whole_periods(program(), kFewSteps));
  EXPECT_EQ(calls.num("cuGraphLaunch"), 1);
  EXPECT_THAT(calls.with(kNotInAStep), IsEmpty());
  EXPECT_THAT(calls.with(kMakesANode), IsEmpty());
}

TEST_P(CudaDriverCalls, ALongSecondRunIsOneLaunchForEveryWindow) {
  Session session = open(LaunchMode::kRecorded);
  const int64_t num_steps = whole_periods(program(), 5 * max_recorded_intervals(program()));
  ASSERT_GE(num_windows(program(), num_steps), 5);
  const DriverCalls calls = calls_of_second_run(session, num_steps);
  EXPECT_EQ(calls.num("cuGraphLaunch"), num_windows(program(), num_steps));
  EXPECT_THAT(calls.with(kNotInAStep), IsEmpty());
  EXPECT_THAT(calls.with(kMakesANode), IsEmpty());
}

TEST_P(CudaDriverCalls, TenTimesTheNodesAreTheSameCalls) {
  Session session = open(LaunchMode::kRecorded);
  const int64_t num_steps = whole_periods(program(), kFewSteps);
  ASSERT_EQ(num_windows(program(), 10 * num_steps), 1);
  const DriverCalls few = calls_of_second_run(session, num_steps);
  const DriverCalls many = calls_of_second_run(session, 10 * num_steps);
  EXPECT_EQ(few.without(kOnlyAsks), many.without(kOnlyAsks));
}

TEST_P(CudaDriverCalls, ASecondRunOnStreamsMakesNothing) {
  Session session = open(LaunchMode::kOneByOne);
  const int64_t num_steps = whole_periods(program(), kFewSteps);
  const DriverCalls calls = calls_of_second_run(session, num_steps);
  EXPECT_GE(calls.num(kMakesANode), num_steps * std::ssize(program().order));
  EXPECT_THAT(calls.with(kNotInAStep), IsEmpty());
}

}  // namespace
}  // namespace graphc
