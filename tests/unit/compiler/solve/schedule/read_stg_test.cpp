#include "compiler/solve/schedule/read_stg.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/solve/schedule/pipeline_search.h"

namespace graphc {
namespace {

// Two tasks of 4 and 6 side by side, then one of 5: 11 on two processors, 15 on one.
constexpr const char* kThree =
    "3\n"
    "0 0 0\n"
    "1 4 1 0\n"
    "2 6 1 0  # beside it\n"
    "3 5 2 1 2\n"
    "4 0 1 3\n"
    "# the end\n";

int64_t length_on(size_t num_processors) {
  return schedule_pipelined(*parse_stg(kThree, num_processors)).interval_ns;
}

TEST(ParseStg, StepsFollowEachOther) {
  const auto problem = parse_stg(kThree, 2);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->tasks.size(), 5U);
  EXPECT_EQ(problem->edges.size(), 6U);  // five of the file, and from the end to the next begin
  EXPECT_EQ(length_on(1), 15);
  EXPECT_EQ(length_on(2), 11);
}

std::string error_of(const std::string& text) {
  const auto problem = parse_stg(text, 1);
  return problem ? "read" : problem.error().message;
}

TEST(ParseStg, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(""), "there is no number of tasks");
  EXPECT_EQ(error_of("-1\n"), "line 1: expected the number of tasks");
  EXPECT_EQ(error_of("1\n0 0 0\n1 x 1 0\n"), "line 3: expected numbers");
  EXPECT_EQ(error_of("0\n0 0 0\n"), "there are 1 tasks of 2");
  EXPECT_EQ(error_of("0\n0 0 0\n1 0 1 0\n2 0 0\n"),
            "line 4: there are more tasks than the first line says");
  EXPECT_EQ(error_of("0\n0 0 0\n1 0 2 0\n"),
            "line 3: expected task 1, its time, how many come before it, and these");
  EXPECT_EQ(error_of("0\n0 0 0\n1 0 1 1\n"),
            "line 3: task 1 depends on 1, which does not come before");
}

}  // namespace
}  // namespace graphc
