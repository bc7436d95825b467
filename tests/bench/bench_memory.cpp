#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <vector>

#include "compiler/solve/packing/read_buffers.h"
#include "runtime/base/file.h"
#include "tests/bench/memory_baselines.h"
#include "tests/bench/memory_instances.h"
#include "tests/bench/recut_instances.h"

namespace {

using namespace graphc;
namespace fs = std::filesystem;

/// Baselines look at all that is placed, for every request.
constexpr size_t kMaxBaselineRequests = 100'000;
/// Less is a worked example.
constexpr size_t kFewestRecutRequests = 100;
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

/// The number before the ending, as in `A.1048576.csv`.
std::optional<int64_t> capacity_in(const fs::path& path) {
  const std::string text = path.stem().extension().string();
  int64_t number = 0;
  const char* end = text.data() + text.size();
  if (text.size() < 2 || std::from_chars(text.data() + 1, end, number).ptr != end) return {};
  return number;
}

/// All files of a folder that hold buffers, in the order of their names.
Result<std::vector<MemoryInstance>> read_folder(const Options& options, const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(options.data) / folder)) {
    const bool is_reference = entry.path().filename() == "reference.csv";
    if (entry.path().extension() == ".csv" && !is_reference) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<MemoryInstance> instances;
  for (const fs::path& file : files) {
    TRY(const std::vector<std::byte> bytes, read_file(file));
    auto problem = parse_buffers({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!problem) return input_error(file.string() + ": " + problem.error().message);
    const std::optional<int64_t> capacity_bytes = capacity_in(file);
    const fs::path name = capacity_bytes ? file.stem().stem() : file.stem();
    instances.push_back({folder + "/" + name.string(), *std::move(problem), capacity_bytes});
  }
  return instances;
}

/// What the sets of the folder `minimalloc` that fit become when their packings are cut anew.
Result<void> run_recut(const Options& options) {
  TRY(std::vector<MemoryInstance> instances, read_folder(options, "minimalloc"));
  std::vector<Packing> packings;
  std::erase_if(instances, [&](const MemoryInstance& instance) {
    if (!instance.capacity_bytes || instance.problem.requests.size() < kFewestRecutRequests) {
      return true;
    }
    PackingGoal goal;
    goal.capacity_bytes = instance.capacity_bytes;
    Packing packing = pack_intervals(instance.problem, goal);
    if (packing.arena_bytes > *instance.capacity_bytes) return true;
    packings.push_back(std::move(packing));
    return false;
  });
  for (const MemoryInstance& instance : recut_instances(instances, packings, kSeed)) {
    TRY(run_one(instance));
  }
  return {};
}

Result<void> run(const Options& options) {
  const auto wants = [&](const std::string& set) {
    return options.set.empty() || options.set == set;
  };
  fmt::print("{:<22} {:>8} {:>13} {:>8} {:>5} {:>8} {:>9} {:>9} {:>9} {:>9}\n", "instance", "n",
             "max load", "ours", "fits", "seconds", "size", "breadth", "conflicts", "start");
  for (const std::string folder : {"minimalloc", "idealloc"}) {
    if (!wants(folder)) continue;
    TRY(const std::vector<MemoryInstance> instances, read_folder(options, folder));
    for (const MemoryInstance& instance : instances) TRY(run_one(instance));
  }
  if (wants("recut")) TRY(run_recut(options));
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
      "fits: in the capacity that a file's name ends with. seconds: CPU time of ours. planted: "
      "seed "
      "{}. -: not run, too slow.\n",
      kSeed);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Packs buffers with known lives into one arena and compares with greedy planners.",
               "bench_memory");
  app.add_option("--data", options.data, "The folder that holds minimalloc/ and idealloc/");
  app.add_option("--set", options.set, "One set of instances instead of all")
      ->check(CLI::IsMember({"minimalloc", "idealloc", "recut", "planted"}));
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
