#include "runtime/base/fingerprint.h"

#include <gtest/gtest.h>

#include "runtime/base/file.h"

namespace graphrt {
namespace {

// The value that the xxHash specification gives for XXH3_64bits of nothing with seed 0.
TEST(Fingerprint, IsXxh3) {
  EXPECT_EQ(checksum({}), 0x2d06800538d394c2U);
  EXPECT_EQ(fingerprint_hex(""), "2d06800538d394c2");
}

TEST(Fingerprint, HasSixteenDigitsAndTellsTextsApart) {
  EXPECT_EQ(fingerprint_hex("a graph").size(), 16U);
  EXPECT_NE(fingerprint_hex("a graph"), fingerprint_hex("a graph "));
  EXPECT_EQ(checksum(bytes_of("a graph")), checksum(bytes_of("a graph")));
}

}  // namespace
}  // namespace graphrt
