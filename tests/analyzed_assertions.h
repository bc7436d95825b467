// GoogleTest's assertions as the static analyzer sees them; see tools/dev/analyze.py. They compute
// what is asserted and what is said of it, and go on as GoogleTest's do: EXPECT either way, ASSERT
// where it holds. GoogleTest's own are loops and strings each, of which a few use up all states that
// the analyzer may look at, so that it never saw the end of a longer test.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace analyzed {

// What is said after an assertion. Has a body, so that nothing is forgotten for its sake.
struct Message {
  template <typename Value>
  const Message& operator<<(const Value& /*value*/) const {
    return *this;
  }
};
struct Return {
  void operator=(const Message& /*message*/) const {}
};
// Any answer is possible.
template <typename... Values>
bool holds(const Values&... values);

}  // namespace analyzed

#define ANALYZED_EXPECT(condition) \
  if (condition) {                 \
  } else                           \
    ::analyzed::Message()
#define ANALYZED_ASSERT(condition) \
  if (condition) {                 \
  } else                           \
    return ::analyzed::Return() = ::analyzed::Message()

#undef EXPECT_TRUE
#undef EXPECT_FALSE
#undef EXPECT_EQ
#undef EXPECT_NE
#undef EXPECT_LT
#undef EXPECT_LE
#undef EXPECT_GT
#undef EXPECT_GE
#undef EXPECT_NEAR
#undef EXPECT_FLOAT_EQ
#undef EXPECT_THAT
#undef ASSERT_TRUE
#undef ASSERT_FALSE
#undef ASSERT_EQ
#undef ASSERT_NE
#undef ASSERT_LT
#undef ASSERT_LE
#undef ASSERT_GT
#undef ASSERT_GE
#undef ASSERT_NEAR
#undef ASSERT_THAT
#undef SCOPED_TRACE

#define EXPECT_TRUE(condition) ANALYZED_EXPECT((condition))
#define EXPECT_FALSE(condition) ANALYZED_EXPECT(!(condition))
#define EXPECT_EQ(one, other) ANALYZED_EXPECT((one) == (other))
#define EXPECT_NE(one, other) ANALYZED_EXPECT((one) != (other))
#define EXPECT_LT(one, other) ANALYZED_EXPECT((one) < (other))
#define EXPECT_LE(one, other) ANALYZED_EXPECT((one) <= (other))
#define EXPECT_GT(one, other) ANALYZED_EXPECT((one) > (other))
#define EXPECT_GE(one, other) ANALYZED_EXPECT((one) >= (other))
#define EXPECT_NEAR(one, other, distance) ANALYZED_EXPECT(::analyzed::holds(one, other, distance))
#define EXPECT_FLOAT_EQ(one, other) ANALYZED_EXPECT(::analyzed::holds(one, other))
#define EXPECT_THAT(value, matcher) ANALYZED_EXPECT(::analyzed::holds(value, matcher))
#define ASSERT_TRUE(condition) ANALYZED_ASSERT((condition))
#define ASSERT_FALSE(condition) ANALYZED_ASSERT(!(condition))
#define ASSERT_EQ(one, other) ANALYZED_ASSERT((one) == (other))
#define ASSERT_NE(one, other) ANALYZED_ASSERT((one) != (other))
#define ASSERT_LT(one, other) ANALYZED_ASSERT((one) < (other))
#define ASSERT_LE(one, other) ANALYZED_ASSERT((one) <= (other))
#define ASSERT_GT(one, other) ANALYZED_ASSERT((one) > (other))
#define ASSERT_GE(one, other) ANALYZED_ASSERT((one) >= (other))
#define ASSERT_NEAR(one, other, distance) ANALYZED_ASSERT(::analyzed::holds(one, other, distance))
#define ASSERT_THAT(value, matcher) ANALYZED_ASSERT(::analyzed::holds(value, matcher))
#define SCOPED_TRACE(message) ::analyzed::Message() << (message)
