#include "runtime/base/console.h"

#include <gtest/gtest.h>

#include <string>

namespace graphrt {
namespace {

TEST(Console, SaysNothingThatDrivesATerminal) {
  testing::internal::CaptureStderr();
  note("\x1b[31m \xc2\x9b \xe4\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), " [31m \xef\xbf\xbd ?\n");
  testing::internal::CaptureStdout();
  report("\x1b[31m\t\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), " [31m\t\n");
}

TEST(Console, LeavesOutTheMiddleOfALongWord) {
  testing::internal::CaptureStderr();
  note("begin " + std::string(1'000'000, 'x') + " end\n");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_LT(said.size(), 300'000U);
  EXPECT_TRUE(said.starts_with("begin "));
  EXPECT_TRUE(said.ends_with(" end\n"));
}

}  // namespace
}  // namespace graphrt
