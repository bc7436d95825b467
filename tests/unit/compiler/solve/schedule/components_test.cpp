#include "compiler/solve/schedule/components.h"

#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

//   a --> b --> c --> d      b and c are on a cycle, a and d are not
//         ^-----+
TEST(EdgesOnCycles, LeaveOutWhatLeadsIntoACycleAndOutOfIt) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 1);
  const TaskId b = build.task(lane, 1);
  const TaskId c = build.task(lane, 1);
  const TaskId d = build.task(lane, 1);
  build.edge(a, b);
  build.edge(b, c);
  build.edge(c, b, 2);
  build.edge(c, d);
  const auto edges = edges_on_cycles(build.get());
  ASSERT_EQ(edges.size(), 2U);
  EXPECT_EQ(edges[0].from, b);
  EXPECT_EQ(edges[1].from, c);
}

}  // namespace
}  // namespace graphc
