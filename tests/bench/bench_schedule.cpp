// Lengths of schedules for graphs of the Standard Task Graph Set:
//   bench_schedule --data DIR [--effort normal|high]
// reads every .stg under DIR, in the order of their names, on 2, 4, 8 and 16 processors. Where DIR
// has a reference_bounds.csv, lengths are compared with the best known ones.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "compiler/solve/schedule/lower_bound.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "compiler/solve/schedule/read_stg.h"
#include "runtime/base/file.h"

namespace {

using namespace graphc;
namespace fs = std::filesystem;

struct Reference {
  int64_t best = 0;
  bool is_optimal = false;
};
/// By file and number of processors: `50/rand0000.stg,2`.
using References = std::map<std::string, Reference>;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result<std::string> text_of(const fs::path& path) {
  TRY(const std::vector<std::byte> bytes, read_file(path));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Columns: instance, P, two lower bounds, the best known length, two others, status.
Result<References> read_references(const fs::path& path) {
  References references;
  if (!fs::exists(path)) return references;
  TRY(const std::string text, text_of(path));
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::vector<std::string> fields;
    std::istringstream row(line);
    for (std::string field; std::getline(row, field, ',');) fields.push_back(field);
    if (fields.size() < 8)
      return input_error(path.string() + ": '" + line + "' has too few columns");
    references[fields[0] + "," + fields[1]] = {std::stoll(fields[4]), fields[7] == "optimal"};
  }
  return references;
}

/// What was seen of all graphs of one folder on one number of processors.
struct Row {
  int num_graphs = 0;
  double sum_of_ratios = 0;
  double worst = 0;
  int num_certified = 0;
  int num_hit = 0;
  int num_shorter = 0;
  double seconds = 0;
};

Result<std::vector<fs::path>> graphs_under(const fs::path& data) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.path().extension() == ".stg") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) return input_error("there are no .stg files under '" + data.string() + "'");
  return files;
}

void schedule(const SchedulingProblem& problem, Effort effort,
              const std::optional<Reference>& reference, Row& row) {
  const double start = cpu_seconds();
  const int64_t length = schedule_pipelined(problem, search_options(effort)).interval_ns;
  row.seconds += cpu_seconds() - start;
  ++row.num_graphs;
  const int64_t best = reference ? reference->best : interval_bound(problem).interval_ns;
  const double ratio = static_cast<double>(length) / static_cast<double>(best);
  row.sum_of_ratios += ratio;
  row.worst = std::max(row.worst, ratio);
  if (!reference) return;
  row.num_shorter += length < best ? 1 : 0;
  row.num_certified += reference->is_optimal ? 1 : 0;
  row.num_hit += reference->is_optimal && length == best ? 1 : 0;
}

/// By folder and number of processors.
using Rows = std::map<std::pair<std::string, int>, Row>;

void print(const Rows& rows) {
  fmt::print(
      "| graphs | P | mean ratio | worst | optima hit | ms a graph |\n"
      "|--|--:|--:|--:|--:|--:|\n");
  int num_certified = 0;
  int num_hit = 0;
  for (const auto& [key, row] : rows) {
    fmt::print("| {} {} | {} | {:.4f} | {:.4f} | {}/{} | {:.2f} |\n", row.num_graphs, key.first,
               key.second, row.sum_of_ratios / row.num_graphs, row.worst, row.num_hit,
               row.num_certified, 1000 * row.seconds / row.num_graphs);
    num_certified += row.num_certified;
    num_hit += row.num_hit;
    if (row.num_shorter > 0) fmt::print("{} are shorter than the best known\n", row.num_shorter);
  }
  fmt::print("optima hit: {} of {} certified, {:.1f} %\n", num_hit, num_certified,
             num_certified == 0 ? 0 : 100.0 * num_hit / num_certified);
}

Result<void> run(const fs::path& data, Effort effort) {
  TRY(const References references, read_references(data / "reference_bounds.csv"));
  TRY(const std::vector<fs::path> files, graphs_under(data));
  Rows rows;
  for (const fs::path& file : files) {
    TRY(const std::string text, text_of(file));
    const fs::path name = fs::relative(file, data);
    for (const int num_processors : {2, 4, 8, 16}) {
      const auto problem = parse_stg(text, static_cast<size_t>(num_processors));
      if (!problem) return input_error(file.string() + ": " + problem.error().message);
      const auto known = references.find(name.string() + "," + std::to_string(num_processors));
      schedule(*problem, effort,
               known == references.end() ? std::nullopt : std::optional(known->second),
               rows[{name.parent_path().string(), num_processors}]);
    }
  }
  print(rows);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::string data;
  std::string effort = "normal";
  CLI::App app("Schedules graphs of the Standard Task Graph Set.", "bench_schedule");
  app.add_option("--data", data, "A folder with .stg files")->required();
  app.add_option("--effort", effort)->check(CLI::IsMember({"normal", "high"}));
  CLI11_PARSE(app, argc, argv);
  const Result<void> result = run(data, effort == "high" ? Effort::kHigh : Effort::kNormal);
  if (result) return 0;
  fmt::print(stderr, "bench_schedule: {}\n", result.error().message);
  return exit_code(result.error().kind);
}
