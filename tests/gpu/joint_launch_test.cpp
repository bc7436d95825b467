// Many small kernels in one launch against the same kernels by themselves.
#include "runtime/kernels/cuda/joint_launch.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "runtime/op/op_table.h"
#include "tests/gpu/kernel_runner.h"

namespace graphrt {
namespace {

constexpr uint32_t kJointSeed = 20261129;

std::vector<std::string_view> sharing_ops() {
  std::vector<std::string_view> ops;
  for (const OpInfo& op : all_ops()) {
    if (op.may_share_launch) ops.push_back(op.name);
  }
  return ops;
}

class JointLaunches : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) queue_ = std::make_unique<KernelQueue>();
  }

  std::vector<std::unique_ptr<KernelRun>> runs_of(const std::vector<KernelCase>& cases,
                                                  const Placement& placement) const {
    std::vector<std::unique_ptr<KernelRun>> runs;
    for (const KernelCase& tested : cases) {
      runs.push_back(std::make_unique<KernelRun>(*queue_, tested, placement));
    }
    return runs;
  }

  /// All of `cases` in launches of at most `per_launch`, and each by itself: the same bits, and
  /// nothing written beside the results.
  void expect_same_bits(const std::vector<KernelCase>& cases, const Placement& placement,
                        size_t per_launch) const {
    const auto alone = runs_of(cases, placement);
    const auto joined = runs_of(cases, placement);
    JointLaunch launch;
    for (size_t begin = 0; begin < cases.size(); begin += per_launch) {
      for (size_t i = begin; i < std::min(begin + per_launch, cases.size()); ++i) {
        ASSERT_TRUE(joined[i]->join(launch)) << to_string(cases[i]);
      }
      const auto launched = launch.launch(queue_->get());
      ASSERT_TRUE(launched.has_value()) << launched.error().message;
    }
    queue_->wait();
    for (size_t i = 0; i < cases.size(); ++i) {
      SCOPED_TRACE(to_string(cases[i]));
      EXPECT_TRUE(joined[i]->read() == alone[i]->results());
    }
  }

  std::unique_ptr<KernelQueue> queue_;
};

/// Every operator that may share a launch, shuffled together by their sizes.
std::vector<KernelCase> mixed_cases(int count_of_each) {
  std::vector<KernelCase> cases;
  for (const std::string_view op : sharing_ops()) {
    for (KernelCase& tested : random_cases(op, kJointSeed, count_of_each)) {
      cases.push_back(std::move(tested));
    }
  }
  for (KernelCase& other : in_other_elements(cases, kJointSeed)) cases.push_back(std::move(other));
  std::stable_sort(cases.begin(), cases.end(), [](const KernelCase& a, const KernelCase& b) {
    return a.inputs[0].type.num_elements() < b.inputs[0].type.num_elements();
  });
  return cases;
}

TEST_F(JointLaunches, GiveTheSameBitsAsLaunchesApart) {
  ASSERT_GE(sharing_ops().size(), 5U);
  const std::vector<KernelCase> cases = mixed_cases(40);
  for (const size_t per_launch : {size_t{1}, size_t{2}, size_t{7}, size_t{kMaxOpsInLaunch}}) {
    SCOPED_TRACE(std::to_string(per_launch) + " a launch, seed " + std::to_string(kJointSeed));
    expect_same_bits(cases, {}, per_launch);
  }
}

TEST_F(JointLaunches, TakeUnalignedOperandsAndResultsInPlace) {
  const std::vector<KernelCase> cases = mixed_cases(10);
  expect_same_bits(cases, {.offset_bytes = 4}, kMaxOpsInLaunch);
  expect_same_bits(cases, {.offset_bytes = 0, .in_place = 0}, kMaxOpsInLaunch);
  expect_same_bits(cases, {.offset_bytes = 8, .in_place = 0}, kMaxOpsInLaunch);
}

TEST_F(JointLaunches, SayNoToKernelsOfOtherOperators) {
  JointLaunch launch;
  const std::vector<KernelCase> cases = random_cases("softmax", kJointSeed, 1);
  const KernelRun run(*queue_, cases[0]);
  EXPECT_FALSE(run.join(launch));
  EXPECT_TRUE(launch.launch(queue_->get()).has_value());  // of nothing
}

}  // namespace
}  // namespace graphrt
