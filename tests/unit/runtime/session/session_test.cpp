#include "runtime/session/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <limits>
#include <thread>

#include "runtime/base/npy.h"
#include "runtime/base/safetensors.h"
#include "runtime/device/cpu_device.h"
#include "runtime/observe/reference_check.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

/// A folder that is removed with all it holds.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest() { std::filesystem::create_directories(folder_); }
  ~SessionTest() override { std::filesystem::remove_all(folder_); }

  static Session open(Plan plan, const std::filesystem::path& folder = "") {
    Result<Session> session =
        Session::create(std::move(plan), folder, emulated(), builtin_devices());
    EXPECT_TRUE(session) << session.error().message;
    return *std::move(session);
  }
  static Session open_fed(Overlap overlap) {
    Session session = open(TrainingPlan::make(overlap));
    EXPECT_TRUE(session.set_input("x", training_rows()));
    EXPECT_TRUE(session.stack_output("l"));
    return session;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("session_test." + std::to_string(::getpid()));
};

class TalkativeCpu final : public CpuDevice {
 public:
  using CpuDevice::CpuDevice;
  std::vector<std::string> notes() const override { return {name() + " is slow today"}; }
};

TEST_F(SessionTest, PassesOnWhatItsDevicesHaveToSay) {
  DeviceRegistry registry = builtin_devices();
  const auto open_cpu = [](const std::string& name, int32_t) -> Result<std::unique_ptr<Device>> {
    return std::make_unique<TalkativeCpu>(name);
  };
  registry.add("cpu", {.open = open_cpu});
  const auto session =
      Session::create(TrainingPlan::make(Overlap::kSerial), "", emulated(), registry);
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_THAT(session->notes(), ::testing::ElementsAre("cpu is slow today"));
}

TEST_F(SessionTest, AgreesWithTheReferenceSeriallyAndPipelined) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    for (const int64_t num_steps : {1, 2, 3, 23}) {
      Session session = open_fed(overlap);
      const auto check = ReferenceCheck::begin(session);
      ASSERT_TRUE(check);
      ASSERT_TRUE(session.run(num_steps));
      const auto report = check->finish(session);
      ASSERT_TRUE(report) << report.error().message;
      // l of every step, z of the last, w at the end.
      EXPECT_EQ(report->num_tensors, num_steps + 2);
      EXPECT_EQ(report->num_steps, num_steps);
    }
  }
}

TEST_F(SessionTest, ChecksALaterRunFromTheStatesItStartedWith) {
  Session session = open_fed(Overlap::kPipelined);
  ASSERT_TRUE(session.run(7));
  const auto check = ReferenceCheck::begin(session);
  ASSERT_TRUE(check);
  ASSERT_TRUE(session.run(5));
  const auto report = check->finish(session);
  ASSERT_TRUE(report) << report.error().message;
}

// Promise: the same bits serially, pipelined, with barriers and in runs of any length.
TEST_F(SessionTest, GivesTheSameBitsHoweverTheStepsAreRun) {
  Session serial = open_fed(Overlap::kSerial);
  ASSERT_TRUE(serial.run(20));
  Session pipelined = open_fed(Overlap::kPipelined);
  ASSERT_TRUE(pipelined.run(20));
  Session barrier = open_fed(Overlap::kPipelined);
  ASSERT_TRUE(barrier.run(20, {.mode = RunMode::kBarrier, .observer = nullptr}));
  EXPECT_EQ(barrier.num_finished_steps(), 20);
  Session pieces = open_fed(Overlap::kPipelined);
  for (const int64_t count : {1, 0, 2, 7, 10}) ASSERT_TRUE(pieces.run(count));
  for (const Session* other : {&pipelined, &barrier, &pieces}) {
    EXPECT_EQ(*other->stacked("l"), *serial.stacked("l"));
    EXPECT_EQ(*other->last("z"), *serial.last("z"));
    EXPECT_EQ(*other->state("w"), *serial.state("w"));
    EXPECT_EQ(other->next_step(), 20);
  }
  EXPECT_EQ(serial.stacked("l")->type, (TensorType{ElementType::kF32, {20}}));
  EXPECT_EQ(serial.last("l")->as<float>()[0], serial.stacked("l")->as<float>()[19]);
}

TEST_F(SessionTest, LetsAnotherThreadWatchTheProgress) {
  Session session = open_fed(Overlap::kPipelined);
  std::atomic<bool> is_done = false;
  std::thread watcher([&] {
    int64_t before = 0;
    while (!is_done) {
      const int64_t now = session.num_finished_steps();
      EXPECT_GE(now, before);
      before = now;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    EXPECT_LE(before, 3000);
  });
  ASSERT_TRUE(session.run(3000));
  is_done = true;
  watcher.join();
  EXPECT_EQ(session.num_finished_steps(), 3000);
}

TEST_F(SessionTest, HoldsTheInitialStateBeforeTheFirstStep) {
  Session session = open(TrainingPlan::make(Overlap::kPipelined));
  const Tensor before = *session.state("w");
  ASSERT_TRUE(session.run(0));
  EXPECT_EQ(*session.state("w"), before);
  EXPECT_FALSE(session.last("l"));
}

TEST_F(SessionTest, ReadsTheFeedThatThePlanNamesFromItsFolder) {
  ASSERT_TRUE(write_npy(folder_ / "rows.npy", training_rows()));
  Plan plan = TrainingPlan::make(Overlap::kPipelined);
  plan.inputs[InputId(0)].feed_path = "rows.npy";
  Session from_file = open(plan, folder_);
  ASSERT_TRUE(from_file.run(9));
  Session given = open_fed(Overlap::kPipelined);
  ASSERT_TRUE(given.run(9));
  EXPECT_EQ(*from_file.last("l"), *given.last("l"));
}

TEST_F(SessionTest, NamesInputsThatAreMissingAndFeedsThatCannotBeRead) {
  Session without = open(TrainingPlan::make(Overlap::kSerial));
  const auto missing = without.run(1);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "input 'x', f32[2, 4], has no feed in the plan: give it with --input x=FILE.npy");

  Plan plan = TrainingPlan::make(Overlap::kSerial);
  plan.inputs[InputId(0)].feed_path = "nowhere.npy";
  Session unreadable = open(plan, folder_);
  const auto result = unreadable.run(1);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("feed of input 'x'"));
  EXPECT_THAT(result.error().message, HasSubstr("nowhere.npy"));
}

TEST_F(SessionTest, SuggestsTheNearestName) {
  Session session = open(TrainingPlan::make(Overlap::kSerial));
  EXPECT_EQ(session.set_input("y", training_rows()).error().message,
            "the plan has no input 'y'; did you mean 'x'?");
  EXPECT_EQ(session.stack_output("loss").error().message,
            "the plan has no output 'loss'; it has l, z");
  EXPECT_FALSE(session.state("w2"));
}

TEST_F(SessionTest, CannotStackWhatStaysOnItsDevice) {
  Session session = open(TrainingPlan::make(Overlap::kSerial));
  const auto result = session.stack_output("z");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("stays on gpu0"));
}

TEST_F(SessionTest, RefusesAPlanThatIsNotSafe) {
  Plan plan = TrainingPlan::make(Overlap::kSerial);
  for (Instruction& instruction : plan.instructions) {
    if (instruction.name == "w_new") instruction.waits.clear();
  }
  const auto session = Session::create(plan, "", emulated(), builtin_devices());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, ErrorKind::kInput);
  EXPECT_THAT(session.error().message, HasSubstr("not safe to run"));
  EXPECT_THAT(session.error().message, HasSubstr("w_new"));
}

TEST_F(SessionTest, RefusesAPlanThatDoesNotFitIntoMemory) {
  Plan plan = TrainingPlan::make(Overlap::kSerial);
  plan.arenas[ArenaId(1)].size_bytes = int64_t{1} << 50;
  const auto session = Session::create(plan, "", emulated(), builtin_devices());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(session.error().message, HasSubstr("gpu0 1024 TiB"));
}

/// Remembers the sizes of the host's memory that it was made known of.
class ListeningCpu final : public CpuDevice {
 public:
  ListeningCpu(std::string name, std::vector<int64_t>& known_bytes)
      : CpuDevice(std::move(name)), known_bytes_(known_bytes) {}
  Result<void> adopt_host(std::byte*, int64_t size_bytes) override {
    known_bytes_.push_back(size_bytes);
    return {};
  }

 private:
  std::vector<int64_t>& known_bytes_;
};

TEST_F(SessionTest, PinsNothingButPinnedArenas) {
  std::vector<int64_t> known_bytes;
  DeviceRegistry registry = builtin_devices();
  const auto open_cpu = [&](const std::string& name, int32_t) -> Result<std::unique_ptr<Device>> {
    return std::make_unique<ListeningCpu>(name, known_bytes);
  };
  registry.add("cpu", {.open = open_cpu});
  const Plan plan = TrainingPlan::make(Overlap::kSerial);
  const auto session = Session::create(plan, "", emulated(), registry);
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(known_bytes, std::vector<int64_t>({plan.arenas[ArenaId(0)].size_bytes}));
}

TEST_F(SessionTest, SaysWhichKindsOfTheHostsMemoryAreShort) {
  Plan plan = TrainingPlan::make(Overlap::kSerial);
  plan.arenas[ArenaId(0)].size_bytes = int64_t{1} << 50;
  plan.arenas[ArenaId(2)].size_bytes = int64_t{1} << 51;
  const auto session = Session::create(plan, "", emulated(), builtin_devices());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(session.error().message,
              HasSubstr("(cpu (pinned) 1024 TiB, cpu (pageable) 2048 TiB, gpu0 "));
}

// A file may claim any size, also several whose sum no integer holds.
TEST_F(SessionTest, RefusesArenasWhoseSizesAddUpToMoreThanAnInteger) {
  Plan plan = TrainingPlan::make(Overlap::kSerial);
  for (PlanArena& arena : plan.arenas) arena.size_bytes = std::numeric_limits<int64_t>::max();
  plan.arenas.push_back(plan.arenas[ArenaId(0)]);
  const auto session = Session::create(plan, "", emulated(), builtin_devices());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(session.error().message, HasSubstr("the plan needs 8388608 TiB of host memory"));
}

TEST_F(SessionTest, RefusesToStackMoreThanMemoryHolds) {
  Session session = open_fed(Overlap::kSerial);
  const auto result = session.run(kMaxRunSteps);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(result.error().message, HasSubstr("output 'l', f32[], does not fit"));
}

TEST_F(SessionTest, ContinuesFromASavedState) {
  Session first = open_fed(Overlap::kPipelined);
  ASSERT_TRUE(first.run(10));
  ASSERT_TRUE(first.save_state(folder_ / "w.safetensors"));
  ASSERT_TRUE(first.run(10));

  // The rows repeat after ten of batch 2, that is 5 steps: step 10 sees what step 0 sees.
  Session second = open_fed(Overlap::kSerial);
  const auto left_out = second.load_state(folder_ / "w.safetensors", StateMatch::kExact);
  ASSERT_TRUE(left_out) << left_out.error().message;
  EXPECT_TRUE(left_out->left_out.empty());
  ASSERT_TRUE(second.run(10));
  EXPECT_EQ(*second.state("w"), *first.state("w"));
}

TEST_F(SessionTest, ListsStatesThatAFileLacksOrHasInAnotherType) {
  Plan plan = TrainingPlan::make(Overlap::kSerial);
  Safetensors file;
  ASSERT_TRUE(write_safetensors(folder_ / "empty.safetensors", file));
  file.tensors["w"] = zeros({ElementType::kF32, {2, 2}});
  ASSERT_TRUE(write_safetensors(folder_ / "other.safetensors", file));

  Session session = open(plan);
  const Tensor before = *session.state("w");
  const auto missing = session.load_state(folder_ / "empty.safetensors", StateMatch::kExact);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("state 'w' is not in the file"));
  const auto other = session.load_state(folder_ / "other.safetensors", StateMatch::kExact);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message,
              HasSubstr("state 'w' is f32[4, 3] in the plan and f32[2, 2] in the file"));
  const auto partial = session.load_state(folder_ / "other.safetensors", StateMatch::kPartial);
  ASSERT_TRUE(partial);
  EXPECT_EQ(partial->left_out.size(), 1U);
  EXPECT_EQ(*session.state("w"), before);
}

}  // namespace
}  // namespace graphrt
