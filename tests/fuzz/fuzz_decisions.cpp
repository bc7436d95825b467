// Decisions in text form, for one fixed graph: what is read is lowered, with every gate, and the
// text of that decides the same.
#include "compiler/compile.h"
#include "compiler/frontend/decisions/parse_decisions.h"
#include "tests/fuzz/allocation_limit.h"
#include "tests/fuzz/compile_small.h"
#include "tests/fuzz/text_target.h"

namespace graphrt::fuzz {
namespace {

/// Levels of the graph beside what the text takes: a line may be a rewrite, and add to them.
constexpr AllocationLimit kParseLimit{.fixed_bytes = 1 << 20, .bytes_per_input_byte = 4096};

using graphc::Decisions;
using graphc::DiagnosticSink;
using graphc::SourceFile;

/// Of the small graph, whatever `parallel` says: its batch is one for the passes.
graphc::Result<Decisions> parse(const std::shared_ptr<const SourceFile>& file,
                                const graphc::Target& target, DiagnosticSink& diagnostics) {
  const graphc::Compilation& small = small_compilation();
  const Fingerprints& fingerprints = small.plan.fingerprints;
  const auto parallel =
      graphc::parse_parallel_decision(file, target.machine, fingerprints.machine, diagnostics);
  if (!parallel) return tl::unexpected(parallel.error());
  return graphc::parse_decisions(file, target, small.passes.graph, fingerprints.graph, diagnostics);
}

void check_decisions(const std::shared_ptr<const SourceFile>& file) {
  const graphc::Compilation& small = small_compilation();
  const graphc::Machine machine = small_machine();
  const graphc::CostModel costs(machine);
  const graphc::Target target{machine, costs, graphc::memory_of(machine)};
  const AllocationMeter meter;
  DiagnosticSink diagnostics;
  auto decisions = parse(file, target, diagnostics);
  meter.expect_within(kParseLimit, file->text.size(), "parse_decisions");
  expect_reasons(decisions.has_value(), diagnostics);
  (void)diagnostics.render_all();
  if (!decisions) return;

  const auto text_of = [&](const Decisions& decided) {
    const auto lowered = graphc::lower(target, small.passes.graph, decided, diagnostics);
    CHECK(lowered.has_value(), diagnostics.render_all());
    return graphc::print_decisions(decided, *lowered, small.plan.fingerprints, machine);
  };
  const std::string text = text_of(*decisions);
  const auto printed = std::make_shared<const SourceFile>(SourceFile{"printed.decisions", text});
  const auto again = parse(printed, target, diagnostics);
  CHECK(again.has_value(), diagnostics.render_all() + text);
  CHECK(text_of(*again) == text, text);
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = graphrt::fuzz::source_of(data, size, "input.decisions");
  if (file == nullptr) return -1;
  graphrt::fuzz::check_decisions(file);
  return 0;
}
