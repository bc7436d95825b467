#include "runtime/observe/reference_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// What the check says of steps of a plan that scales by 0.5 where the graph it claims to be says
/// 0.25.
Result<CheckReport> checked_with_another_factor(int64_t num_steps) {
  Plan plan = TrainingPlan::make(Overlap::kPipelined);
  plan.source.nodes[0].attributes.set("factor", 0.25);
  Result<Session> session = Session::create(plan, "", emulated(), builtin_devices());
  CHECK(session.has_value(), "session");
  CHECK(session->set_input("x", training_rows()).has_value(), "x");
  const auto check = ReferenceCheck::begin(*session);
  CHECK(check.has_value(), "states");
  CHECK(session->run(num_steps).has_value(), "run");
  return check->finish(*session);
}

TEST(ReferenceCheck, FindsWhatDiffersFromTheReference) {
  const auto report = checked_with_another_factor(3);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kMismatch);
  EXPECT_THAT(report.error().message, HasSubstr("output 'l', step 0 at []: the plan gives "));
  EXPECT_THAT(report.error().message, Not(HasSubstr("round")));
}

TEST(ReferenceCheck, NamesAllThatDiffersAfterTheLastStep) {
  const auto report = checked_with_another_factor(1);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, StartsWith("output 'l', step 0 at []: the plan gives "));
  EXPECT_THAT(report.error().message,
              EndsWith("; also different: output 'z', step 0, state 'w' after step 0"));
}

TEST(CompareWithReference, AllowsTheToleranceAndNoMore) {
  const Tensor reference = tensor_of<float>({2, 2}, {0, 0, 0, 100});
  const auto compare = [&](float x) {
    const Tensor value = tensor_of<float>({2, 2}, {0, 0, x, 100});
    return compare_with_reference("v", value.type, value.data, reference);
  };
  EXPECT_TRUE(compare(0.0099F));  // 1e-4 * 100
  const auto result = compare(0.0101F);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("v at [1, 0]: the plan gives 0.0101"));
}

TEST(CheckTolerance, IsThatOfTheCoarsestProduct) {
  SourceGraph source;
  EXPECT_EQ(check_tolerance(source), kCheckTolerance);
  SourceNode product;
  product.op = "matmul";
  source.nodes.push_back(product);
  EXPECT_EQ(check_tolerance(source), kCheckTolerance);
  product.attributes.set("math", std::string("bf16"));
  source.nodes.push_back(product);
  product.attributes.set("math", std::string("tf32"));
  source.nodes.push_back(product);
  EXPECT_EQ(check_tolerance(source), kBf16CheckTolerance);
}

TEST(CompareWithReference, TreatsNanAndInfinityAsValues) {
  const auto compare = [](float x, float r) {
    const Tensor value = tensor_of<float>({}, {x});
    return compare_with_reference("v", value.type, value.data, tensor_of<float>({}, {r}))
        .has_value();
  };
  EXPECT_TRUE(compare(NAN, NAN));
  EXPECT_TRUE(compare(INFINITY, INFINITY));
  EXPECT_FALSE(compare(NAN, 1));
  EXPECT_FALSE(compare(1, NAN));
  EXPECT_FALSE(compare(INFINITY, 1));
  EXPECT_FALSE(compare(INFINITY, -INFINITY));
}

TEST(CompareWithReference, WantsIntegersEqual) {
  const Tensor value = tensor_of<int32_t>({2}, {1000000, 1});
  const Tensor reference = tensor_of<int32_t>({2}, {1000000, 2});
  EXPECT_FALSE(compare_with_reference("v", value.type, value.data, reference));
  EXPECT_TRUE(compare_with_reference("v", value.type, value.data, value));
}

}  // namespace
}  // namespace graphrt
