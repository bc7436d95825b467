#include "tools/graphprobe/measure_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "runtime/op/op_table.h"
#include "tests/gpu/kernel_cases.h"
#include "tools/graphprobe/recorded_kernel.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::ElementType;
using graphrt::KernelBinding;
using graphrt::Result;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint32_t kSeed = 20261129;
constexpr double kLaunch = 9e-6;

/// What a kernel takes alone, and for how long of that it has the device to itself.
struct Pretended {
  double alone_s = 0;
  double beside_s = 0;
};

/// The time on a machine whose kernels take what a test says: it passes while they run.
struct PretendedTime {
  double now_s = 0;
  std::map<std::string, Pretended> by_algorithm;
};

class PretendedKernel final : public Action {
 public:
  PretendedKernel(Pretended takes, std::unique_ptr<Action> kernel)
      : takes_(takes), kernel_(std::move(kernel)) {}
  Result<void> run(int64_t step) override {
    if (kernel_ == nullptr) return {};
    return kernel_->run(step);
  }
  const Pretended& takes() const { return takes_; }

 private:
  Pretended takes_;
  std::unique_ptr<Action> kernel_;
};

/// The CPU's memory and kernels, with algorithms that a test names.
class PretendedDevice final : public Device {
 public:
  PretendedDevice(std::unique_ptr<Device> real, const PretendedTime& time, bool runs)
      : Device("gpu0"), real_(std::move(real)), time_(time), runs_(runs) {}

  bool is_host() const override { return false; }
  graphrt::MemoryPool memory_pool() const override { return real_->memory_pool(); }
  Result<std::byte*> allocate(int64_t size_bytes) override { return real_->allocate(size_bytes); }
  bool owns(const std::byte* begin, int64_t size_bytes) const override {
    return real_->owns(begin, size_bytes);
  }
  Result<void> write(std::byte* to, std::span<const std::byte> from) override {
    return real_->write(to, from);
  }
  Result<void> read(const std::byte* from, std::span<std::byte> to) const override {
    return real_->read(from, to);
  }
  Result<std::unique_ptr<Action>> bind_copy(const graphrt::CopyBinding&) override {
    return graphrt::input_error("no copies");
  }
  Result<std::vector<std::string>> algorithms(const KernelBinding&) override {
    std::vector<std::string> names = {"own choice"};
    for (const auto& [name, takes] : time_.by_algorithm) {
      if (!name.empty()) names.push_back(name);
    }
    return names.size() == 1 ? std::vector<std::string>() : names;
  }
  Result<std::unique_ptr<Action>> bind_kernel(const KernelBinding& binding) override {
    const std::string algorithm(binding.algorithm);
    if (algorithm == "refused") return graphrt::machine_error("not this one");
    std::unique_ptr<Action> kernel;
    if (runs_) {
      TRY(kernel, real_->bind_kernel(binding));
    }
    return std::make_unique<PretendedKernel>(time_.by_algorithm.at(algorithm), std::move(kernel));
  }

 private:
  std::unique_ptr<Device> real_;
  const PretendedTime& time_;
  bool runs_;
};

/// Lanes take as long as the longest, and no less than what keeps the device from others.
class PretendedQueue final : public graphrt::LaneQueue {
 public:
  PretendedQueue(graphrt::QueueProgram program, PretendedTime& time)
      : program_(std::move(program)), time_(time) {}

  graphrt::SignalFlags flags() const override { return {}; }
  Result<void> prepare(graphrt::StepRange, bool) override { return {}; }
  Result<void> run(const std::atomic<bool>&) override {
    double longest_s = 0;
    double together_s = 0;
    for (const graphrt::QueuedLane& lane : program_.lanes) {
      double lane_s = 0;
      for (const graphrt::QueuedInstruction& instruction : lane.instructions) {
        auto& kernel = dynamic_cast<PretendedKernel&>(*instruction.action);
        TRY(kernel.run(0));
        lane_s += kernel.takes().alone_s;
        together_s += kernel.takes().beside_s;
      }
      longest_s = std::max(longest_s, lane_s);
    }
    time_.now_s += kLaunch + std::max(longest_s, together_s);
    return {};
  }
  int64_t num_finished_steps() const override { return 1; }
  std::vector<graphrt::QueuedSpan> spans() const override { return {}; }

 private:
  graphrt::QueueProgram program_;
  PretendedTime& time_;
};

class MeasureKernels : public testing::Test {
 protected:
  MeasureKernels() {
    graphrt::BackEnd back_end;
    back_end.open = [this](const std::string& name, int32_t) -> Result<std::unique_ptr<Device>> {
      TRY(auto real, graphrt::builtin_devices().find("cpu")->open(name, 0));
      return std::make_unique<PretendedDevice>(std::move(real), time_, runs_);
    };
    back_end.count = [] { return 1; };
    back_end.make_queue = [this](
                              graphrt::QueueProgram program,
                              graphrt::LaunchMode) -> Result<std::unique_ptr<graphrt::LaneQueue>> {
      return std::make_unique<PretendedQueue>(std::move(program), time_);
    };
    registry_.add("cuda", std::move(back_end));
    machine_ = graphc::single_cpu_machine();
    graphc::Device gpu = machine_.devices[machine_.host()];
    gpu.name = "gpu0";
    gpu.kind = "cuda";
    gpu.num_lanes = 4;
    machine_.devices.push_back(std::move(gpu));
  }

  Result<std::vector<std::string>> measure(const std::string& kind = "cuda") {
    Kernels kernels;
    kernels[{kind, "k"}] = kernel_;
    return measure_kernels(kernels, registry_, machine_, [this] { return time_.now_s; });
  }

  static graphrt::TensorType floats(const graphrt::Shape& shape) {
    return {ElementType::kF32, shape};
  }

  PretendedTime time_;
  bool runs_ = false;
  graphrt::DeviceRegistry registry_;
  graphc::Machine machine_;
  Kernel kernel_{"matmul", {}, {floats({8, 8}), floats({8, 8})}, {floats({8, 8})}};
};

TEST_F(MeasureKernels, TheFastestAlgorithmIsFoundAndWhatItTakes) {
  time_.by_algorithm = {{"", {50e-6, 40e-6}},      {"slow", {90e-6, 90e-6}},
                        {"refused", {1e-6, 1e-6}}, {"close", {31e-6, 31e-6}},
                        {"fast", {30e-6, 12e-6}},  {"also slow", {50e-6, 50e-6}}};
  machine_.times["cuda"] = {{"k", {7}}, {"other", {8}}};
  const auto notes = measure();
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_THAT(*notes,
              ElementsAre("k: 30.00 us, 12.00 us beside others, the fastest of 5 algorithms: "
                          "fast"));
  EXPECT_EQ(machine_.algorithm_for("cuda", "k"), "fast");
  EXPECT_EQ(machine_.time_for("cuda", "k"), (graphc::KernelTime{30'000, 12'000}));
  EXPECT_EQ(machine_.time_for("cuda", "other"), graphc::KernelTime{8});
}

TEST_F(MeasureKernels, TheLibrarysChoiceStaysUnlessAnotherIsClearlyFaster) {
  time_.by_algorithm = {{"", {50e-6, 50e-6}}, {"hardly faster", {49.5e-6, 49.5e-6}}};
  machine_.algorithms["cuda"]["k"] = "of another day";
  const auto notes = measure();
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_THAT(*notes, ElementsAre(HasSubstr("the fastest of 2 algorithms: the library's own")));
  EXPECT_TRUE(machine_.algorithms.empty());
}

// From a kernel that is over at once to one of a second.
TEST_F(MeasureKernels, TimesAreRightHoweverLongAKernelTakes) {
  for (const double alone_s : {1e-6, 2.34e-6, 123e-6, 4.56e-3, 1.0}) {
    time_.by_algorithm = {{"", {alone_s, alone_s / 2}}};
    ASSERT_TRUE(measure());
    const graphc::KernelTime time = *machine_.time_for("cuda", "k");
    EXPECT_NEAR(static_cast<double>(time.alone_ns), alone_s * 1e9, 1) << alone_s;
    EXPECT_NEAR(static_cast<double>(*time.beside_ns), alone_s * 0.5e9, alone_s * 5e6) << alone_s;
  }
}

TEST_F(MeasureKernels, WhatTakesNoTimeOrCannotBeRecordedIsLeftOut) {
  time_.by_algorithm = {{"", {1e-6, 1e-6}}};
  EXPECT_THAT(*measure("cpu"), ElementsAre(HasSubstr("no device of kind cpu")));
  registry_.add("cpu", *graphrt::builtin_devices().find("cpu"));
  EXPECT_THAT(*measure("cpu"), ElementsAre());
  kernel_ = {"reshape", {}, {floats({4, 2})}, {floats({8})}};
  kernel_.attributes.set("shape", std::vector<int64_t>{8});
  EXPECT_THAT(*measure(), ElementsAre());
  EXPECT_TRUE(machine_.times.empty());
}

TEST_F(MeasureKernels, WhatNeedsTooMuchMemoryCostsTheOthersNothing) {
  time_.by_algorithm = {{"", {1e-6, 1e-6}}};
  constexpr int64_t kTooMany = int64_t{1} << 44;
  Kernels kernels;
  kernels[{"cuda", "a"}] = {"relu", {}, {floats({kTooMany})}, {floats({kTooMany})}};
  kernels[{"cuda", "b"}] = {"relu", {}, {floats({4})}, {floats({4})}};
  const auto notes = measure_kernels(kernels, registry_, machine_, [this] { return time_.now_s; });
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_THAT(*notes, ElementsAre(HasSubstr("a: left out: "), HasSubstr("b: 1.00 us")));
  EXPECT_FALSE(machine_.time_for("cuda", "a"));
}

TEST_F(MeasureKernels, ADeviceThatIsNotThereIsRefused) {
  machine_.devices[graphrt::DeviceId(1)].index = 3;
  const auto notes = measure();
  ASSERT_FALSE(notes);
  EXPECT_EQ(
      notes.error().message,
      "cannot time kernels: the machine file's gpu0 is cuda device 3, and this machine has 1");
}

// With operands that a kernel may read: indices among them.
TEST_F(MeasureKernels, EveryOperatorCanBeRecorded) {
  runs_ = true;
  time_.by_algorithm = {{"", {1e-6, 1e-6}}};
  for (const graphrt::OpInfo& op : graphrt::all_ops()) {
    if (op.is_composite()) continue;
    for (const graphrt::KernelCase& tested : graphrt::random_cases(op.name, kSeed, 2)) {
      SCOPED_TRACE(to_string(tested));
      Kernel kernel{std::string(tested.op), tested.attributes, {}, {}};
      for (const graphrt::Tensor& input : tested.inputs) kernel.inputs.push_back(input.type);
      kernel.results = *graphrt::infer_types(op, kernel.inputs, kernel.attributes);
      kernel.replaces_first = kernel.inputs[0] == kernel.results[0] &&
                              may_run_in_place(op, 0, kernel.inputs[0], kernel.results[0]);
      const graphrt::BackEnd& back_end = *registry_.find("cuda");
      auto recorded = RecordedKernel::create(kernel, back_end, *back_end.open("gpu0", 0),
                                             [this] { return time_.now_s; });
      ASSERT_TRUE(recorded) << recorded.error().message;
      ASSERT_GE(recorded->max_lanes(), 2);
      auto launch = recorded->record("", 2, 2);
      ASSERT_TRUE(launch) << launch.error().message;
      const auto seconds = launch->run();
      ASSERT_TRUE(seconds) << seconds.error().message;
      EXPECT_NEAR(*seconds, kLaunch + 4e-6, 1e-9);
    }
  }
}

}  // namespace
}  // namespace graphprobe
