#include "compiler/solve/packing/read_buffers.h"

#include <gtest/gtest.h>

#include <string>

namespace graphc {
namespace {

TEST(ParseBuffers, ColumnsGoByTheirHeadings) {
  const auto problem = parse_buffers("size,id,upper,lower\r\n16,a,5,2\r\n\n8,b,7,6\n");
  ASSERT_TRUE(problem);
  ASSERT_EQ(problem->requests.size(), 2U);
  const IntervalRequest& first = problem->requests[RequestId(0)];
  EXPECT_EQ(first.size_bytes, 16);
  EXPECT_EQ(first.live.begin, 2);
  EXPECT_EQ(first.live.end, 5);
}

std::string error_of(const std::string& text) {
  const auto problem = parse_buffers(text);
  return problem ? "read" : problem.error().message;
}

TEST(ParseBuffers, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(""), "there is nothing in it");
  EXPECT_EQ(error_of("id,begin,end,size\n"), "line 1: expected the headings id,lower,upper,size");
  EXPECT_EQ(error_of("id,lower,upper,size\na,1,2\n"),
            "line 2: expected whole numbers under lower, upper and size");
  EXPECT_EQ(error_of("id,lower,upper,size\na,1,2,3\nb,1,2,x\n"),
            "line 3: expected whole numbers under lower, upper and size");
  EXPECT_EQ(error_of("id,lower,upper,size\na,1,2,-3\n"),
            "sizes are negative or too large to be added");
}

}  // namespace
}  // namespace graphc
