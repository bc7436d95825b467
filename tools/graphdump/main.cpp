#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "runtime/attack/adversary.h"
#include "runtime/base/console.h"
#include "runtime/base/files_of_call.h"
#include "runtime/base/result.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/print_plan.h"
#include "runtime/proof/verify_plan.h"
#include "tools/common/command_line.h"
#include "tools/common/program.h"

namespace {

using namespace graphrt;

constexpr int kFound = 1;  // a violation, or a difference

// More would take days.
constexpr uint64_t kMaxSeeds = 100'000'000;
constexpr int64_t kMaxSteps = 1'000'000;

struct Options {
  std::string plan;
  std::string other;
  bool verify = false;
  bool json = false;
  std::optional<uint64_t> adversary_seeds;
  std::optional<int64_t> steps;
};

/// Executes a plan of sound structure as badly as it allows.
int challenge(const Plan& plan, const Options& options) {
  const int64_t num_steps = options.steps.value_or(adversary_steps(plan));
  const AdversaryReport report = execute_adversely(plan, num_steps, *options.adversary_seeds);
  if (report.fault) {
    tools::print_error("graphdump", options.plan + ": " + report.fault->message);
    return kFound;
  }
  graphrt::report(fmt::format(
      "{}: {} executions of {} steps without a fault: {} with an instruction held, {} in random "
      "order\n",
      options.plan, report.num_holds + report.num_random, num_steps, report.num_holds,
      report.num_random));
  return 0;
}

int verify(const Plan& plan, const Options& options) {
  if (const auto violation = verify_plan(plan)) {
    tools::print_error("graphdump", options.plan + ": " + violation->message);
    // An execution that goes wrong shows what the violation means.
    const bool has_order = violation->kind != PlanViolationKind::kStructure;
    if (has_order && options.adversary_seeds) challenge(plan, options);
    return kFound;
  }
  graphrt::report(options.plan +
                  ": verified: no race, no deadlock, every read gets what it names\n");
  if (options.adversary_seeds) return challenge(plan, options);
  return 0;
}

Result<int> run(const Options& options) {
  std::vector<FileOfCall> inputs = {{"the plan", options.plan}};
  if (!options.other.empty()) inputs.push_back({"the other plan", options.other});
  TRY(check_files(inputs, {}));
  TRY(const Plan plan, read_plan(options.plan));
  if (options.verify) return verify(plan, options);
  if (!options.other.empty()) {
    TRY(const Plan other, read_plan(options.other));
    const std::string difference = diff_plans(plan, other);
    graphrt::report(difference);
    return difference.empty() ? 0 : kFound;
  }
  graphrt::report(options.json ? plan_to_json(plan) : print_plan(plan));
  return 0;
}

int run_graphdump(int argc, char** argv) {
  Options options;
  CLI::App app("Prints a plan that graphc wrote, verifies it, or compares it with another.",
               "graphdump");
  app.add_option("plan", options.plan, "The plan to print")->required();
  auto* verify = app.add_flag("--verify", options.verify,
                              "Prove that the plan has no race and no deadlock; exit 1 if not");
  auto* json = app.add_flag("--json", options.json, "Print JSON instead of text");
  auto* diff = app.add_option("--diff", options.other,
                              "Print the lines that differ from this plan; exit 1 if any do");
  auto* adversary =
      app.add_option("--adversary", options.adversary_seeds,
                     "Also execute the plan in virtual time as badly as it allows: with each "
                     "instruction held, and in random orders of this many seeds; exit 1 on a fault")
          ->check(graphrt::why_not_decimal)
          ->check(CLI::Range(uint64_t{0}, kMaxSeeds));
  auto* steps = app.add_option("--steps", options.steps,
                               "Steps of each such execution; otherwise as many as can matter")
                    ->check(graphrt::why_not_decimal)
                    ->check(CLI::Range(int64_t{1}, kMaxSteps));
  verify->excludes(json)->excludes(diff);
  json->excludes(diff);
  adversary->needs(verify);
  steps->needs(adversary);
  app.set_version_flag("--version", "graphdump " GRAPHC_VERSION);
  app.footer(
      "Exit codes: 0 success, 1 a bad plan, a violation or a difference,\n"
      "2 bad usage, 3 the output cannot be written, 141 nobody reads it any more.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tools::end_of_parsing(app, error);
  }
  const Result<int> result = run(options);
  if (result) return *result;
  tools::print_error("graphdump", result.error().message);
  return exit_code(result.error().kind);
}

}  // namespace

int main(int argc, char** argv) {
  return tools::run_program("graphdump", argc, argv, run_graphdump);
}
