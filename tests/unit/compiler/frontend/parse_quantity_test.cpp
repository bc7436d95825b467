#include "compiler/frontend/parse_quantity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/machine/print_quantity.h"

namespace graphc {
namespace {

TEST(Quantity, UnitsAreDecimalForRatesAndBinaryForMemory) {
  EXPECT_EQ(parse_flop_rate("1.6TFLOP/s"), 1.6e12);
  EXPECT_EQ(parse_flop_rate("49 GFLOP/s"), 49e9);
  EXPECT_EQ(parse_flop_rate("1KFLOP/s"), 1e3);
  EXPECT_EQ(parse_byte_rate("200GB/s"), 200e9);
  EXPECT_EQ(parse_byte_rate("0.5B/s"), 0.5);
  EXPECT_EQ(parse_memory("240GiB"), int64_t{240} << 30);
  EXPECT_EQ(parse_memory("1.5KiB"), 1536);
  EXPECT_EQ(parse_memory("7B"), 7);
  EXPECT_EQ(parse_duration("0.1us"), 100);
  EXPECT_EQ(parse_duration("7us"), 7000);
  EXPECT_EQ(parse_duration("1.5ms"), 1'500'000);
  EXPECT_EQ(parse_duration("2s"), 2'000'000'000);
  EXPECT_EQ(parse_duration("0ns"), 0);
}

TEST(Quantity, RefusesWhatIsAmbiguousOrSenseless) {
  for (const char* text : {"", "GiB", "1", "1GB", "1KB", "1gib", "-1GiB", "0GiB", "1e3MiB", "nanB",
                           "infB", "1GiB!", "99999999TiB"}) {
    EXPECT_FALSE(parse_memory(text)) << text;
  }
  for (const char* text : {"1TFLOPS", "1TFLOP", "0FLOP/s", "-1FLOP/s", "1GB/s", "fast"}) {
    EXPECT_FALSE(parse_flop_rate(text)) << text;
  }
  for (const char* text : {"1GiB/s", "1GB", "0B/s"}) EXPECT_FALSE(parse_byte_rate(text)) << text;
  for (const char* text : {"1", "-1us", "1min", "1e9s", "2000s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Quantity, SaysWhatIsWrongWithTheNumber) {
  const auto reason = [](const char* text) { return parse_memory(text).error().message; };
  EXPECT_EQ(reason("1e3GiB"),
            "'1e3GiB' has an exponent; write the number without one, for example 240GiB");
  EXPECT_EQ(reason("010GiB"), "'010GiB' has a leading zero, which some read as octal");
  for (const char* text : {"1_000MiB", "1,5GiB", "1 000MiB", "--1B", "0x10B",
                           "\xe2\x88\x92"
                           "1B",
                           ""}) {
    EXPECT_EQ(reason(text),
              "'" + std::string(text) + "' must be a number and a unit, for example 240GiB");
  }
  EXPECT_EQ(parse_memory("+0.5KiB"), 512);
}

TEST(Quantity, PrintsTheLargestUnitThatIsExact) {
  EXPECT_EQ(print_memory(int64_t{1} << 40), "1TiB");
  EXPECT_EQ(print_memory(1536), "1536B");
  EXPECT_EQ(print_memory(int64_t{3} << 29), "1536MiB");
  EXPECT_EQ(print_duration(0), "0ns");
  EXPECT_EQ(print_duration(100), "100ns");
  EXPECT_EQ(print_duration(7000), "7us");
  EXPECT_EQ(print_flop_rate(1.6e12), "1.6TFLOP/s");
  EXPECT_EQ(print_byte_rate(0.25), "0.25B/s");
}

TEST(Quantity, WhatIsPrintedReadsBackTheSame) {
  constexpr unsigned kSeed = 3;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  std::uniform_real_distribution<double> exponent(-3, 20);
  for (int i = 0; i < 20000; ++i) {
    const double rate = std::pow(10.0, exponent(random));
    ASSERT_EQ(parse_flop_rate(print_flop_rate(rate)), rate) << print_flop_rate(rate);
    ASSERT_EQ(parse_byte_rate(print_byte_rate(rate)), rate) << print_byte_rate(rate);
    const auto whole = static_cast<int64_t>(random() >> (24 + random() % 30)) + 1;
    ASSERT_EQ(parse_memory(print_memory(whole)), whole) << print_memory(whole);
    const int64_t duration_ns = whole % 1'000'000'000'000;
    ASSERT_EQ(parse_duration(print_duration(duration_ns)), duration_ns);
  }
}

}  // namespace
}  // namespace graphc
