#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "compiler/compile.h"
#include "tests/property/compile/random_problem.h"

/// Random graphs, compiled.
namespace graphc {

/// The CPU's workers share even the smallest operators, in two out of three graphs, and what they
/// share travels in blocks.
inline BlockSizes random_block_sizes(uint32_t seed) {
  if (seed % 3 == 0) return {};
  return {.least_flops = 64,
          .least_bytes_of_product = 64,
          .least_bytes = 64,
          .least_rows_of_product = 1,
          .most_blocks = 1 + seed % 4,
          .least_bytes_of_copy = 16};
}

/// compile() checks every level with its verifier and aborts where one refuses.
inline Compilation compile_anew(uint32_t seed, CompileOptions options = {}) {
  const Machine machine = random_machine(seed);
  DiagnosticSink diagnostics;
  options.block_sizes = random_block_sizes(seed);
  auto compilation = compile({random_graph(seed, machine)}, machine, options, diagnostics);
  CHECK(compilation.has_value(), "seed " + std::to_string(seed) + "\n" + diagnostics.render_all());
  return *std::move(compilation);
}

/// The same, once for all tests of a program.
inline const Compilation& compile_random(uint32_t seed) {
  static std::map<uint32_t, Compilation> known;
  const auto at = known.find(seed);
  return at != known.end() ? at->second : known.emplace(seed, compile_anew(seed)).first->second;
}

/// For less memory than the graph takes by itself, or under decisions that are given.
inline Result<Compilation> compile_with(const AskedLimits& limits, uint32_t seed,
                                        std::shared_ptr<const SourceFile> decisions = nullptr) {
  const Machine machine = random_machine(seed);
  DiagnosticSink diagnostics;
  CompileOptions options;
  options.block_sizes = random_block_sizes(seed);
  options.memory_limits = limits;
  options.decisions_file = std::move(decisions);
  return compile({random_graph(seed, machine)}, machine, options, diagnostics);
}

/// The device on which the plan takes most, and how much.
inline std::pair<DeviceId, int64_t> fullest(const MemoryPlan& plan) {
  std::pair<DeviceId, int64_t> result{DeviceId(0), 0};
  for (const PlannedArena& arena : plan.arenas) {
    const int64_t bytes = peak_bytes(plan, arena.device);
    if (bytes > result.second) result = {arena.device, bytes};
  }
  return result;
}

}  // namespace graphc
