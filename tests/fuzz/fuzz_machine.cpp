// A machine file: read, printed and read again gives the same.
#include "compiler/frontend/load_machine.h"
#include "compiler/machine/machine.h"
#include "tests/fuzz/allocation_limit.h"
#include "tests/fuzz/text_target.h"

namespace graphrt::fuzz {
namespace {

/// YAML gives a byte much to say: `{,,,}` is a map of nothing to nothing, and a message for each.
constexpr AllocationLimit kLoadLimit{.fixed_bytes = 32768, .bytes_per_input_byte = 2048};

using graphc::DiagnosticSink;
using graphc::SourceFile;

void check_machine(const std::shared_ptr<const SourceFile>& file) {
  const AllocationMeter meter;
  DiagnosticSink diagnostics;
  const auto machine = graphc::load_machine(file, diagnostics);
  meter.expect_within(kLoadLimit, file->text.size(), "load_machine");
  expect_reasons(machine.has_value(), diagnostics);
  (void)diagnostics.render_all();
  if (!machine) return;
  const std::string text = graphc::to_yaml(*machine);
  const auto printed = std::make_shared<const SourceFile>(SourceFile{"printed.yaml", text});
  const auto again = graphc::load_machine(printed, diagnostics);
  CHECK(again.has_value(), diagnostics.render_all() + text);
  CHECK(graphc::to_yaml(*again) == text, text);
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = graphrt::fuzz::source_of(data, size, "machine.yaml");
  if (file == nullptr) return -1;
  graphrt::fuzz::check_machine(file);
  return 0;
}
