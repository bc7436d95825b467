#include "runtime/proof/buffer_lives.h"

#include <gtest/gtest.h>

#include "runtime/proof/buffer_overlap.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

constexpr int32_t kHorizon = 8;

/// What lives_follow_each_other says of the group with this buffer.
bool lives_follow(const Plan& plan, BufferId member) {
  const PlanOrder order(plan, lane_program(plan), kHorizon);
  for (const std::vector<BufferId>& group : groups_by_place(plan)) {
    if (std::find(group.begin(), group.end(), member) == group.end()) continue;
    EXPECT_GT(group.size(), 1U);
    return lives_follow_each_other(plan, BufferUses(plan), order, group);
  }
  ADD_FAILURE() << "no group";
  return false;
}

/// x is fed, a = f(x), b = f(a), c = f(b): x and b at the same bytes, and a and c at others.
///
///   bytes 0    [x  ][b  ]        bytes 256       [a  ][c  ]
struct Chain {
  explicit Chain(std::string op) {
    PlanBuilder builder;
    const LaneId feeds = builder.lane("feeds", LaneKind::kFeed);
    const LaneId lane = builder.lane("lane");
    const LaneId other = builder.lane("other");
    x = builder.buffer_at("x", 0);
    const BufferId a = builder.buffer_at("a", 256);
    const BufferId b = builder.buffer_at("b", 0);
    const BufferId c = builder.buffer_at("c", 256);
    const InstructionId feed = builder.feed(feeds, "x", x);
    const InstructionId first = builder.kernel(lane, "a", op, {{x}}, a);
    second = builder.kernel(other, "b", op, {{a}}, b);
    const InstructionId third = builder.kernel(lane, "c", op, {{b}}, c);
    builder.wait(first, feeds, 1);
    builder.wait(second, lane, 1);
    builder.wait(third, other, 1);
    // x is written over b, which c has read.
    builder.wait(feed, lane, 2, 1);
    plan = builder.build();
  }
  Plan plan;
  BufferId x;
  InstructionId second;
};

TEST(BufferLives, FollowEachOtherInAChain) {
  const Chain chain("softmax");
  EXPECT_TRUE(lives_follow(chain.plan, chain.x));
  EXPECT_FALSE(verify_plan(chain.plan));
}

// The last life of an interval is followed by the first of the next.
TEST(BufferLives, FollowEachOtherIntoTheNextInterval) {
  Chain chain("softmax");
  chain.plan.instructions[InstructionId(0)].waits = {{LaneId(1), 1, 1}};  // a has read x, c not b
  EXPECT_FALSE(lives_follow(chain.plan, chain.x));
  EXPECT_TRUE(verify_plan(chain.plan));
}

//   bytes 0    [x rows 0:32][x rows 32:64]      both blocks in place, each on a lane of its own
TEST(BufferLives, AreThoseOfRows) {
  for (const std::string op : {"relu", "softmax"}) {
    PlanBuilder builder;
    const LaneId feeds = builder.lane("feeds", LaneKind::kFeed);
    const BufferId x = builder.buffer_at("x", 0);
    const BufferId y = builder.buffer_at("y", 0);
    const InstructionId feed = builder.feed(feeds, "x", x);
    for (const RowRange& rows : {RowRange{0, 32}, RowRange{32, 64}}) {
      const LaneId lane = builder.lane("lane" + std::to_string(rows.begin));
      const InstructionId id =
          builder.kernel(lane, "y" + std::to_string(rows.begin), op, {{x, 0, rows}}, y);
      builder.writes_rows(id, rows);
      builder.wait(id, feeds, 1);
      builder.wait(feed, lane, 1, 1);
    }
    const Plan plan = builder.build();
    // softmax reads a row after it has written some of it.
    EXPECT_EQ(lives_follow(plan, x), op == "relu");
    EXPECT_EQ(verify_plan(plan).has_value(), op == "softmax");
  }
}

// Scratch memory lives while its instruction runs, and all results begin to live then.
TEST(BufferLives, AreThoseOfScratchMemoryAndOfSeveralResults) {
  const AttentionPlan p = attention_plan();
  const int64_t scratch_bytes = p.plan.buffers[p.scratch].offset_bytes;
  EXPECT_TRUE(lives_follow(moved(p, p.e, scratch_bytes), p.scratch));
  EXPECT_FALSE(lives_follow(moved(p, p.log_sum, scratch_bytes), p.scratch));
  EXPECT_FALSE(lives_follow(moved(p, p.q, scratch_bytes), p.scratch));
  EXPECT_FALSE(lives_follow(moved(p, p.log_sum, 256), p.result));
  EXPECT_FALSE(lives_follow(moved(p, p.log_sum, 0), p.q));
}

//   x has two versions, at 0 and 256, b three, at 256, 512 and 768: of six intervals, in one the
//   last bytes of x are the first of b. One thing after the other: x, a = f(x), b = f(a), x, ...
Plan different_versions(int32_t versions_of_x, int32_t versions_of_b, int32_t num_awaited) {
  PlanBuilder builder;
  const LaneId feeds = builder.lane("feeds", LaneKind::kFeed);
  const LaneId lane = builder.lane("lane");
  const int64_t shared_bytes = 256 * (int64_t{versions_of_x} - 1);
  const BufferId x = builder.buffer_at("x", 0, DeviceId(0), versions_of_x);
  const BufferId b = builder.buffer_at("b", shared_bytes, DeviceId(0), versions_of_b);
  const BufferId a = builder.buffer("a");
  const InstructionId feed = builder.feed(feeds, "x", x);
  const InstructionId first = builder.kernel(lane, "a", "softmax", {{x}}, a);
  builder.kernel(lane, "b", "softmax", {{a}}, b);
  builder.wait(first, feeds, 1);
  builder.wait(feed, lane, num_awaited, 1);
  return builder.build();
}

TEST(BufferLives, RepeatAfterTheCommonMultipleOfVersions) {
  EXPECT_TRUE(lives_follow(different_versions(2, 3, 2), BufferId(0)));
  EXPECT_FALSE(verify_plan(different_versions(2, 3, 2)));
  EXPECT_FALSE(lives_follow(different_versions(2, 3, 1), BufferId(0)));
  EXPECT_TRUE(verify_plan(different_versions(2, 3, 1)));
}

// 15 and 256 have too large a multiple; pair by pair it is decided nevertheless.
TEST(BufferLives, LeaveLargeMultiplesToThePairs) {
  EXPECT_FALSE(lives_follow(different_versions(15, 256, 2), BufferId(0)));
  EXPECT_FALSE(verify_plan(different_versions(15, 256, 2)));
  EXPECT_FALSE(lives_follow(different_versions(15, 256, 1), BufferId(0)));
  EXPECT_TRUE(verify_plan(different_versions(15, 256, 1)));
}

}  // namespace
}  // namespace graphrt
