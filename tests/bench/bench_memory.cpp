#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>

#include "tests/bench/memory_baselines.h"
#include "tests/bench/memory_instances.h"

namespace {

using namespace graphc;

/// Baselines look at all that is placed, for every request.
constexpr size_t kMaxBaselineRequests = 100'000;
constexpr int64_t kMinimallocCapacityBytes = 1'048'576;
constexpr uint32_t kSeed = 1;

struct Options {
  std::string data;
  std::string set;
  size_t largest = 1'000'000;
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// `ratio` of the maximum load, or a dash.
std::string ratio_text(const MemoryInstance& instance, const Baseline& baseline,
                       int64_t max_load_bytes) {
  if (instance.problem.requests.size() > kMaxBaselineRequests) return "-";
  const Packing packing = baseline.pack(instance.problem);
  return fmt::format(
      "{:.4f}", static_cast<double>(packing.arena_bytes) / static_cast<double>(max_load_bytes));
}

Result<void> run_one(const MemoryInstance& instance) {
  PackingGoal goal;
  goal.capacity_bytes = instance.capacity_bytes;
  const double start = cpu_seconds();
  const Packing packing = pack_intervals(instance.problem, goal);
  const double seconds = cpu_seconds() - start;
  if (const auto violation = find_packing_violation(instance.problem, packing)) {
    return input_error(fmt::format("{}: requests {} and {} overlap", instance.name,
                                   violation->first.value(), violation->second.value()));
  }
  const int64_t load_bytes = max_load_bytes(instance.problem);
  const char* fits = "";
  if (instance.capacity_bytes) {
    fits = packing.arena_bytes <= *instance.capacity_bytes ? "yes" : "no";
  }
  fmt::print("{:<22} {:>8} {:>13} {:>8.4f} {:>5} {:>8.3f}", instance.name,
             instance.problem.requests.size(), load_bytes,
             static_cast<double>(packing.arena_bytes) / static_cast<double>(load_bytes), fits,
             seconds);
  for (const Baseline& baseline : memory_baselines()) {
    fmt::print(" {:>9}", ratio_text(instance, baseline, load_bytes));
  }
  fmt::print("\n");
  std::fflush(stdout);
  return {};
}

Result<void> run_file(const Options& options, const std::string& folder, const std::string& name,
                      const std::string& file, std::optional<int64_t> capacity_bytes) {
  MemoryInstance instance;
  TRY(instance.problem, read_intervals(options.data + "/" + folder + "/" + file));
  instance.name = folder + "/" + name;
  instance.capacity_bytes = capacity_bytes;
  return run_one(instance);
}

Result<void> run(const Options& options) {
  const auto wants = [&](const std::string& set) {
    return options.set.empty() || options.set == set;
  };
  fmt::print("{:<22} {:>8} {:>13} {:>8} {:>5} {:>8} {:>9} {:>9} {:>9} {:>9}\n", "instance", "n",
             "max load", "ours", "fits", "seconds", "size", "breadth", "conflicts", "start");
  if (wants("minimalloc")) {
    for (const std::string name : {"A", "B", "C", "D", "E", "F"}) {
      TRY(run_file(options, "minimalloc", name, name + ".1048576.csv", kMinimallocCapacityBytes));
    }
  }
  if (wants("idealloc")) {
    for (const std::string name : {"G_1", "resnet50", "pangu_2.6B"}) {
      TRY(run_file(options, "idealloc", name, name + ".csv", std::nullopt));
    }
  }
  if (wants("planted")) {
    for (const size_t num_requests :
         {size_t{100}, size_t{1000}, size_t{100'000}, size_t{1'000'000}}) {
      if (num_requests > options.largest) continue;
      TRY(run_one(planted_instance(num_requests, kSeed)));
    }
  }
  fmt::print(
      "ours, size, breadth, conflicts, start: height / max load of pack_intervals and of first fit "
      "in "
      "four orders; every packing of ours is checked.\n"
      "fits: in the capacity of {} bytes. seconds: CPU time of ours. planted: seed {}. -: not run, "
      "too "
      "slow.\n",
      kMinimallocCapacityBytes, kSeed);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Packs buffers with known lives into one arena and compares with greedy planners.",
               "bench_memory");
  app.add_option("--data", options.data, "The folder that holds minimalloc/ and idealloc/");
  app.add_option("--set", options.set, "One set of instances instead of all")
      ->check(CLI::IsMember({"minimalloc", "idealloc", "planted"}));
  app.add_option("--largest", options.largest, "The most requests of a planted instance");
  app.footer("Exit codes: 0 success, 1 unreadable data or a bad packing, 2 bad usage.");
  try {
    app.parse(argc, argv);
    if (options.data.empty() && options.set != "planted") {
      throw CLI::RequiredError("--data");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_code(ErrorKind::kUsage);
  }
  const Result<void> result = run(options);
  if (result) return 0;
  fmt::print(stderr, "bench_memory: {}\n", result.error().message);
  return exit_code(result.error().kind);
}
