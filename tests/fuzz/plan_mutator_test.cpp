// The mutator is worth its place only if what it makes gets far: through the header, the decoder
// and now and then the verifier.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "runtime/plan/plan_file.h"
#include "runtime/plan/plan_header.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

/// Stands for libFuzzer's: another value for one byte.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size) {
  EXPECT_GT(max_size, 0U);
  if (size > 0) data[size / 2] ^= 0x15;
  return size;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed);

namespace graphrt::fuzz {
namespace {

constexpr size_t kMaxMutatedBytes = 8192;
constexpr unsigned kNumSeeds = 1000;

std::vector<std::byte> mutant(const std::vector<std::byte>& file, unsigned seed,
                              size_t max_bytes = kMaxMutatedBytes) {
  std::vector<uint8_t> bytes(max_bytes);
  std::memcpy(bytes.data(), file.data(), file.size());
  bytes.resize(LLVMFuzzerCustomMutator(bytes.data(), file.size(), max_bytes, seed));
  const auto all = std::as_bytes(std::span(bytes));
  return {all.begin(), all.end()};
}

class PlanMutatorOn : public ::testing::TestWithParam<Plan> {};

TEST_P(PlanMutatorOn, MostMutantsPassTheHeaderAndSomeTheVerifier) {
  const std::vector<std::byte> file = encode_plan(GetParam());
  unsigned num_headers = 0;
  unsigned num_plans = 0;
  unsigned num_verified = 0;
  unsigned num_changed = 0;
  for (unsigned seed = 0; seed < kNumSeeds; ++seed) {
    const std::vector<std::byte> bytes = mutant(file, seed);
    ASSERT_LE(bytes.size(), kMaxMutatedBytes);
    if (bytes != file) ++num_changed;
    if (split_plan_file(bytes)) ++num_headers;
    const auto plan = decode_plan(bytes);
    if (!plan) continue;
    ++num_plans;
    if (!verify_plan(*plan)) ++num_verified;
  }
  EXPECT_GT(num_changed, kNumSeeds * 8 / 10);
  EXPECT_GT(num_headers, kNumSeeds * 8 / 10);
  EXPECT_LT(num_headers, kNumSeeds);  // headers are changed, too
  EXPECT_GT(num_plans, kNumSeeds * 5 / 10);
  EXPECT_GT(num_verified, kNumSeeds / 20);
  RecordProperty("decoded", static_cast<int>(num_plans));
  RecordProperty("verified", static_cast<int>(num_verified));
}

INSTANTIATE_TEST_SUITE_P(Plans, PlanMutatorOn,
                         ::testing::Values(training_plan().plan, two_host_plan().plan));

TEST(PlanMutator, NeedsNoRoomToGrow) {
  const std::vector<std::byte> file = encode_plan(training_plan().plan);
  for (unsigned seed = 0; seed < kNumSeeds; ++seed) {
    EXPECT_LE(mutant(file, seed, file.size()).size(), file.size());
  }
}

TEST(PlanMutator, TheSameSeedGivesTheSameBytes) {
  const std::vector<std::byte> file = encode_plan(training_plan().plan);
  for (unsigned seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(mutant(file, seed), mutant(file, seed)) << seed;
  }
}

TEST(PlanMutator, MakesThePlansStructureOfWhatIsNoPlan) {
  const std::vector<std::byte> text(100, std::byte{'x'});
  const std::vector<std::byte> bytes = mutant(text, 3);
  const auto sections = split_plan_file(bytes);
  ASSERT_TRUE(sections);
  EXPECT_EQ(sections->structure.size(), text.size());
}

}  // namespace
}  // namespace graphrt::fuzz
