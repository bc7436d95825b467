#include <gtest/gtest.h>

#include "compiler/sync/synchronised.h"
#include "tests/unit/compiler/memory/memory_plans.h"

namespace graphc {
namespace {

constexpr int64_t kNoByte = 0;

MemoryPlan plan_within(int64_t limit_bytes, const Schedule& schedule, const Machine& machine) {
  return plan_memory(schedule, MemoryLimits(machine.devices.size(), limit_bytes));
}

//   worker0   [m][a][b][c][d]     a is written over m, b over a, c over b; d over c would be in the
//   output                [d]     way of its delivery, which the next m does not wait for
TEST(PlanMemory, OperatorsThatWorkInPlaceWriteOverWhatNobodyReadsLater) {
  const Machine machine = two_workers();
  const MemoryPlan plan = plan_of(
      written_schedule(graph_of("graph g\nstate %w : f32[10, 10] init zeros\n%m = matmul(%w, %w)\n"
                                "%a = relu(%m)\n%b = tanh(%a)\n%c = relu(%b)\n%d = tanh(%c)\n"
                                "output %d\n"),
                       machine,
                       "cpu.worker0  m  stage=0\ncpu.worker0  a  stage=0\n"
                       "cpu.worker0  b  stage=0\ncpu.worker0  c  stage=0\n"
                       "cpu.worker0  d  stage=0\noutput  output d  stage=0\n"),
      machine);
  EXPECT_TRUE(share_bytes(plan, "m@cpu", "a@cpu"));
  EXPECT_TRUE(share_bytes(plan, "a@cpu", "b@cpu"));
  EXPECT_TRUE(share_bytes(plan, "m@cpu", "c@cpu"));
  EXPECT_FALSE(share_bytes(plan, "c@cpu", "d@cpu"));
  EXPECT_EQ(peak_bytes(plan, DeviceId(0)), 3 * 512);
  EXPECT_EQ(verify_memory_plan(plan), std::nullopt);
}

// b reads a after c was made of it, so c must not lie over a.
TEST(PlanMemory, AValueThatIsReadLaterIsNotWrittenOver) {
  const Machine machine = two_workers();
  const MemoryPlan plan = plan_of(
      written_schedule(graph_of("graph g\nstate %w : f32[10, 10] init zeros\n%a = matmul(%w, %w)\n"
                                "%c = relu(%a)\n%b = matmul(%c, %a)\noutput %b\n"),
                       machine,
                       "cpu.worker0  a  stage=0\ncpu.worker0  c  stage=0\n"
                       "cpu.worker0  b  stage=0\noutput  output b  stage=0\n"),
      machine);
  EXPECT_FALSE(share_bytes(plan, "a@cpu", "c@cpu"));
}

/// worker0   [p][q]                 nothing but time separates p from slow, r and s
/// worker1   [------ slow ------][r][s]
class SideBySide : public testing::Test {
 protected:
  Schedule schedule() const {
    return written_schedule(
        graph_of("graph g\nstate %w : f32[10, 10] init zeros\n"
                 "state %m : f32[100, 100] init zeros\n"
                 "%p = matmul(%w, %w)\n%q = matmul(%p, %w)\n"
                 "%slow = matmul(%m, %m)\n%r = sum(%slow) {axes = [0]}\n"
                 "%s = sum(%r) {axes = [0]}\noutput %q\noutput %s\n"),
        machine_,
        "cpu.worker0  p  stage=0\ncpu.worker0  q  stage=0\n"
        "cpu.worker1  slow  stage=0\ncpu.worker1  r  stage=0\ncpu.worker1  s  stage=0\n"
        "output  output q  stage=0\noutput  output s  stage=0\n");
  }

  const Machine machine_ = two_workers();
};

TEST_F(SideBySide, WhatTheScheduleSeparatesSharesOnlyUnderALimitAndWithAWait) {
  const MemoryPlan roomy = plan_of(schedule(), machine_);
  EXPECT_FALSE(share_bytes(roomy, "p@cpu", "r@cpu"));
  EXPECT_TRUE(roomy.reuse_edges.empty());

  const int64_t needed_bytes = peak_bytes(roomy, DeviceId(0));
  const MemoryPlan tight = plan_within(needed_bytes - 256, schedule(), machine_);
  EXPECT_LT(peak_bytes(tight, DeviceId(0)), needed_bytes);
  EXPECT_TRUE(share_bytes(tight, "p@cpu", "r@cpu"));
  EXPECT_FALSE(tight.reuse_edges.empty());
  EXPECT_EQ(verify_memory_plan(tight), std::nullopt);
  // What was predicted to be apart costs no time.
  const Synchronised before = remove_redundant_waits(roomy);
  const Synchronised after = remove_redundant_waits(tight);
  EXPECT_EQ(verify_synchronised(after), std::nullopt);
  EXPECT_EQ(after.interval_ns, before.interval_ns);
}

TEST_F(SideBySide, WithoutTheAddedOrderThePlanIsRefused) {
  MemoryPlan tight = plan_within(kNoByte, schedule(), machine_);
  ASSERT_EQ(verify_memory_plan(tight), std::nullopt);
  tight.reuse_edges.clear();
  const std::string text = verify_memory_plan(tight).value_or("");
  EXPECT_NE(text.find("share bytes without an order between them"), std::string::npos) << text;
}

// Whatever is shared, the waits form no cycle, and less memory is never more.
TEST(PlanMemory, EveryLimitGivesASoundPlan) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Schedule schedule = random_schedule(seed);
    const MemoryPlan roomy = plan_of(schedule, machine);
    const MemoryPlan tight = plan_within(kNoByte, schedule, machine);
    EXPECT_EQ(verify_memory_plan(tight), std::nullopt);
    EXPECT_EQ(verify_synchronised(remove_redundant_waits(tight)), std::nullopt);
    for (const DeviceId device : machine.devices.ids()) {
      EXPECT_LE(peak_bytes(tight, device), peak_bytes(roomy, device));
    }
  }
}

}  // namespace
}  // namespace graphc
