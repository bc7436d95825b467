#include <gtest/gtest.h>

#include <vector>

#include "runtime/device/device_registry.h"
#include "tests/property/run/random_sessions.h"
#include "tests/property/sample.h"
#include "tests/unit/runtime/engine/threaded_lane_queue.h"

namespace graphc {
namespace {

using graphrt::DeviceRegistry;
using graphrt::LaneQueue;
using graphrt::LaunchMode;
using graphrt::QueueProgram;
using graphrt::Result;
using graphrt::ThreadedLaneQueue;
using Launches = ThreadedLaneQueue::Launches;

constexpr uint32_t kNumQueuedSeeds = sampled(30U);
constexpr int64_t kNumQueuedSteps = 9;

/// A plan whose accelerators are emulated, and queued by threads.
class QueuedSession {
 public:
  QueuedSession(const Plan& plan, uint32_t seed, int64_t max_intervals, Launches launches)
      : session_(create(plan, max_intervals, launches)) {
    for (const PlanInput& input : plan.inputs) {
      CHECK(session_.set_input(input.name, random_feed(seed, input.type, 3)).has_value(),
            input.name);
    }
    for (const PlanOutput& output : plan.outputs) {
      if (output.instruction) CHECK(session_.stack_output(output.name).has_value(), output.name);
    }
  }

  Session& session() { return session_; }
  bool has_queue() const { return queue_ != nullptr; }
  int64_t num_replays() const { return has_queue() ? queue_->num_replays() : 0; }

 private:
  Session create(const Plan& plan, int64_t max_intervals, Launches launches) {
    DeviceRegistry registry = graphrt::builtin_devices();
    graphrt::BackEnd back_end = *registry.find("emulated");
    back_end.make_queue = [=, this](QueueProgram program,
                                    LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
      auto queue = std::make_unique<ThreadedLaneQueue>(std::move(program), max_intervals, launches);
      queue_ = queue.get();
      return queue;
    };
    registry.add("cuda", std::move(back_end));
    auto session = Session::create(plan, ".", SessionOptions(), registry);
    CHECK(session.has_value(), session ? "" : session.error().message);
    return *std::move(session);
  }

  const ThreadedLaneQueue* queue_ = nullptr;  // the session's, if the plan uses an accelerator
  Session session_;
};

class QueuedLanesThreads : public ::testing::TestWithParam<Launches> {};

INSTANTIATE_TEST_SUITE_P(Launches, QueuedLanesThreads,
                         ::testing::Values(Launches::kIssued, Launches::kReplayed));

// Twice in a row: the second run starts in another phase, with the recordings of the first.
TEST_P(QueuedLanesThreads, AQueueGivesTheBitsOfARunWithoutOne) {
  int num_queued = 0;
  int64_t num_replays = 0;
  for (uint32_t seed = 0; seed < kNumQueuedSeeds; ++seed) {
    const Plan plan = compile_random(seed).plan;
    Session without_queue = open(plan, seed);
    ASSERT_TRUE(without_queue.run(kNumQueuedSteps));
    ASSERT_TRUE(without_queue.run(kNumQueuedSteps));
    const std::vector<Tensor> expected = results_of(without_queue);
    for (const int64_t max_intervals : {1, 3, 1000}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", launches of " +
                   std::to_string(max_intervals) + " intervals");
      QueuedSession queued(plan, seed, max_intervals, GetParam());
      ASSERT_TRUE(queued.session().run(kNumQueuedSteps));
      ASSERT_TRUE(queued.session().run(kNumQueuedSteps));
      num_queued += queued.has_queue() ? 1 : 0;
      num_replays += queued.num_replays();
      const std::vector<Tensor> results = results_of(queued.session());
      ASSERT_EQ(results.size(), expected.size());
      for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].data, expected[i].data) << i;
    }
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_queued, static_cast<int>(kNumQueuedSeeds));
  if (GetParam() == Launches::kReplayed) {
    EXPECT_GT(num_replays, int64_t{kNumQueuedSeeds});
  }
}

}  // namespace
}  // namespace graphc
