// A plan file from anywhere is decoded, printed and verified; what verifies and is small, runs.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/base/fingerprint.h"
#include "runtime/observe/timeline_text.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/print_plan.h"
#include "runtime/proof/verify_plan.h"
#include "tests/fuzz/allocation_limit.h"
#include "tests/fuzz/plan_run.h"

namespace graphrt::fuzz {
namespace {

constexpr AllocationLimit kDecodeLimit{.fixed_bytes = 4096, .bytes_per_input_byte = 16};

Result<Plan> decode(std::span<const std::byte> bytes) {
  const AllocationMeter meter;
  Result<Plan> plan = decode_plan(bytes);
  meter.expect_within(kDecodeLimit, bytes.size(), "decode_plan");
  return plan;
}

/// Bytes, not plans: a NaN in a plan is unequal to itself.
void check_round_trip(const Plan& plan) {
  const std::vector<std::byte> bytes = encode_plan(plan);
  const Result<Plan> again = decode_plan(bytes);
  CHECK(again.has_value(), "what was decoded, encoded again: " + again.error().message);
  CHECK(encode_plan(*again) == bytes, "encoding what was decoded changes it");
}

constexpr std::array kComparisons = {Comparison::kBarrier, Comparison::kQueue,
                                     Comparison::kReference};

#ifdef GRAPHC_FUZZ_REPLAY
void run_some(const Plan& plan, std::span<const std::byte>) {
  for (const Comparison comparison : kComparisons) run_verified(plan, comparison);
}
#else
/// Threads that hand over to each other take most of the time, so one plan in eight runs, and is
/// compared once: which, its bytes say, so that a file does the same every time.
void run_some(const Plan& plan, std::span<const std::byte> bytes) {
  const uint64_t choice = checksum(bytes) % (8 * kComparisons.size());
  if (choice < kComparisons.size()) run_verified(plan, kComparisons[choice]);
}
#endif

void check_plan(std::span<const std::byte> bytes) {
  const Result<Plan> plan = decode(bytes);
  if (!plan) {
    CHECK(!plan.error().message.empty(), "an error without words");
    return;
  }
  check_round_trip(*plan);
  (void)print_plan(*plan);
  (void)plan_to_json(*plan);
  if (!is_small(*plan)) return;
  if (verify_plan(*plan)) return;
  (void)predicted_timeline_text(*plan, 3);
  run_some(*plan, bytes);
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  graphrt::fuzz::check_plan(std::as_bytes(std::span(data, size)));
  return 0;
}
