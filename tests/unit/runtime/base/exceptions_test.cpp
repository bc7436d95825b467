#include "runtime/base/exceptions.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace graphrt {
namespace {

std::string message_of(Result<void> (*call)()) {
  const Result<void> result = without_exceptions(call);
  if (result) return "none";
  EXPECT_TRUE(result.error().kind == ErrorKind::kMachine ||
              result.error().kind == ErrorKind::kInput);
  return result.error().message;
}

TEST(WithoutExceptions, MakesErrorsOfThem) {
  EXPECT_EQ(message_of([]() -> Result<void> { throw std::bad_alloc(); }), "out of memory");
  EXPECT_EQ(message_of([]() -> Result<void> {
              std::vector<int>().resize(SIZE_MAX / sizeof(int));
              return {};
            }),
            "out of memory");
  EXPECT_EQ(message_of([]() -> Result<void> {
              throw std::system_error(std::make_error_code(std::errc::no_space_on_device));
            }),
            "No space left on device");
  EXPECT_EQ(message_of([]() -> Result<void> { throw std::runtime_error("of a library"); }),
            "of a library");
  EXPECT_EQ(message_of([]() -> Result<void> { throw 7; }), "an exception of an unknown kind");
}

TEST(WithoutExceptions, LeavesResultsAndErrorsAsTheyAre) {
  EXPECT_EQ(*without_exceptions([]() -> Result<int> { return 7; }), 7);
  EXPECT_EQ(message_of([]() -> Result<void> { return input_error("of the input"); }),
            "of the input");
}

}  // namespace
}  // namespace graphrt
