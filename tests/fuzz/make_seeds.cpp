// make_seeds FOLDER GRAPH...: writes what fuzzers start from and what follows from other things, so
// that none of it is kept in the repository: FOLDER/plan, a plan for every graph and a few at
// random, FOLDER/schedule and FOLDER/decisions.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "compiler/compile.h"
#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/source_file.h"
#include "runtime/base/file.h"
#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_plan.h"
#include "tests/fuzz/compile_small.h"
#include "tests/property/plan/random_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace {

namespace fs = std::filesystem;
using graphc::DiagnosticSink;
using graphrt::Plan;

constexpr uint64_t kNumRandomPlans = 60;

bool write(const Plan& plan, const fs::path& path) {
  const auto written = graphrt::write_plan(plan, path);
  if (!written) std::fprintf(stderr, "make_seeds: %s\n", written.error().message.c_str());
  return written.has_value();
}

/// On one CPU, and with an accelerator beside it where the graph names no device that is not there.
bool write_compiled(const fs::path& folder, const fs::path& path) {
  DiagnosticSink diagnostics;
  auto file = graphc::read_source_file(path);
  if (!file) return false;
  const auto loaded = graphc::load_graph(*std::move(file), diagnostics);
  int num_written = 0;
  for (const graphc::Machine& machine :
       {graphc::single_cpu_machine(), graphrt::fuzz::small_machine()}) {
    if (!loaded) break;
    DiagnosticSink unused;
    const auto compilation = graphc::compile(loaded->request, machine, {}, unused);
    if (!compilation) continue;
    const std::string name = path.stem().string() + "-" + machine.name + ".plan";
    if (!write(compilation->plan, folder / name)) return false;
    ++num_written;
  }
  if (num_written > 0) return true;
  std::fprintf(stderr, "make_seeds: %s gives no plan\n%s", path.c_str(),
               diagnostics.render_all().c_str());
  return false;
}

/// Those that verify: what does not is what mutations make of them.
bool write_random(const fs::path& folder) {
  for (uint64_t seed = 0; seed < kNumRandomPlans; ++seed) {
    const Plan plan = graphrt::random_plan(seed);
    const Plan over_hosts = graphrt::random_plan_over_hosts(seed);
    const std::string name = "random-" + std::to_string(seed);
    if (!graphrt::verify_plan(plan) && !write(plan, folder / (name + ".plan"))) return false;
    if (graphrt::verify_plan(over_hosts)) continue;
    if (!write(over_hosts, folder / (name + "-hosts.plan"))) return false;
  }
  return true;
}

bool write_text(const std::string& text, const fs::path& path) {
  return graphrt::write_file_atomically(path, {graphrt::bytes_of(text)}).has_value();
}

/// What the small graph's compilation decided, and of that the schedule alone.
bool write_small(const fs::path& schedules, const fs::path& decisions) {
  const graphc::Compilation& small = graphrt::fuzz::small_compilation();
  return write_text(graphc::print_schedule(small.schedule()), schedules / "small.schedule") &&
         write_text(graphc::print_decisions(small.decisions, small.lowered, small.plan.fingerprints,
                                            graphrt::fuzz::small_machine()),
                    decisions / "small.decisions");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: make_seeds FOLDER GRAPH...\n");
    return 2;
  }
  const fs::path folder = fs::path(argv[1]) / "plan";
  const fs::path schedules = fs::path(argv[1]) / "schedule";
  fs::create_directories(folder);
  const fs::path decisions = fs::path(argv[1]) / "decisions";
  fs::create_directories(schedules);
  fs::create_directories(decisions);
  bool is_written = write_small(schedules, decisions);
  is_written = write(graphrt::training_plan().plan, folder / "training.plan") && is_written;
  is_written = write_random(folder) && is_written;
  for (int i = 2; i < argc; ++i) is_written = write_compiled(folder, argv[i]) && is_written;
  return is_written ? 0 : 1;
}
