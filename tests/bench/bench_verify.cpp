// Time of one core and memory that the verifier, the writer and the reader of plans take:
//   bench_verify [INSTRUCTIONS [LANES]]      (default: 10000 and 1000000; 16)
//
// Every row of the table is a process of its own, so that its peak memory is its own.

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_order.h"
#include "runtime/proof/verify_structure.h"
#include "tests/bench/large_plans.h"

namespace graphrt {
namespace {

/// Of one core, whatever else runs on the machine.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts KiB
}

void check_accepted(const std::optional<PlanViolation>& violation) {
  CHECK(!violation, violation ? violation->message : "");
}

void print_row(PlanShape shape, int32_t num_instructions, int32_t num_lanes) {
  const Plan plan = large_plan(shape, num_instructions, num_lanes);
  const double plan_mib = peak_mib();
  double start = cpu_seconds();
  check_accepted(find_structure_violation(plan));
  const double structure_s = cpu_seconds() - start;
  start = cpu_seconds();
  check_accepted(find_order_violation(plan));
  const double order_s = cpu_seconds() - start;
  const double verified_mib = peak_mib();
  start = cpu_seconds();
  const std::vector<std::byte> file = encode_plan(plan);
  const double encode_s = cpu_seconds() - start;
  start = cpu_seconds();
  CHECK(decode_plan(file).has_value(), "the file does not read back");
  const double decode_s = cpu_seconds() - start;
  const auto num = static_cast<double>(plan.instructions.size());
  fmt::print(
      "| {} | {} | {} | {:.3f} | {:.3f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.2f} | {:.2f} |\n",
      to_string(shape), plan.instructions.size(), num_lanes, structure_s, order_s, plan_mib,
      verified_mib, (verified_mib - plan_mib) * 1024 * 1024 / num,
      static_cast<double>(file.size()) / num, encode_s, decode_s);
  std::fflush(stdout);
}

void print_row_in_child(PlanShape shape, int32_t num_instructions, int32_t num_lanes) {
  const pid_t child = fork();
  CHECK(child >= 0, "no second process");
  if (child == 0) {
    print_row(shape, num_instructions, num_lanes);
    std::_Exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0, "a benchmark failed");
}

}  // namespace
}  // namespace graphrt

int main(int argc, char** argv) {
  std::vector<int32_t> counts = {10'000, 1'000'000};
  if (argc > 1) counts = {std::atoi(argv[1])};
  const int32_t num_lanes = argc > 2 ? std::atoi(argv[2]) : 16;
  fmt::print(
      "| plan | instructions | lanes | structure s | order s | plan MiB | peak MiB | verifier's "
      "bytes an instruction | file's | encode s | decode s |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n");
  std::fflush(stdout);
  for (const int32_t count : counts) {
    for (const graphrt::PlanShape shape : graphrt::all_plan_shapes()) {
      graphrt::print_row_in_child(shape, count, num_lanes);
    }
  }
  return 0;
}
