#include "compiler/solve/schedule/stage_solver.h"

#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

Stages stages_of(std::initializer_list<int32_t> list) {
  Stages stages;
  for (const int32_t stage : list) stages.push_back(stage);
  return stages;
}

//   a   |====>|     |      T = 8, a ends after 6, b starts at 3: it works on the step before
//   b   |  ===|=>   |
TEST(LowestStages, WhatStartsBeforeItsInputEndsIsAStageLater) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 6);
  const TaskId b = build.task(build.group(1), 5);
  build.edge(a, b);
  IdVector<TaskId, int64_t> starts_ns(2);
  starts_ns[b] = 3;
  EXPECT_EQ(lowest_stages(build.get(), starts_ns, 8), stages_of({0, 1}));
  starts_ns[b] = 6;
  EXPECT_EQ(lowest_stages(build.get(), starts_ns, 8), stages_of({0, 0}));
}

// The same starts, and the way back from b to a allows one interval for what takes two.
TEST(LowestStages, NoStagesSolveACycleThatIsTooLong) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 6);
  const TaskId b = build.task(build.group(1), 5);
  build.edge(a, b);
  build.edge(b, a, 1);
  IdVector<TaskId, int64_t> starts_ns(2);
  starts_ns[b] = 3;
  EXPECT_EQ(lowest_stages(build.get(), starts_ns, 8), std::nullopt);
}

}  // namespace
}  // namespace graphc
