// A schedule in text form, of one fixed graph: read, printed and read again gives the same.
#include "compiler/compile.h"
#include "compiler/frontend/decisions/parse_schedule.h"
#include "compiler/schedule/schedule.h"
#include "tests/fuzz/allocation_limit.h"
#include "tests/fuzz/compile_small.h"
#include "tests/fuzz/text_target.h"

namespace graphrt::fuzz {
namespace {

constexpr AllocationLimit kParseLimit{.fixed_bytes = 32768, .bytes_per_input_byte = 160};

using graphc::DiagnosticSink;
using graphc::SourceFile;

void check_schedule(const std::shared_ptr<const SourceFile>& file) {
  const graphc::TaskGraph& tasks = small_compilation().tasks();
  const AllocationMeter meter;
  DiagnosticSink diagnostics;
  const auto schedule = graphc::parse_schedule(file, tasks, diagnostics);
  meter.expect_within(kParseLimit, file->text.size(), "parse_schedule");
  expect_reasons(schedule.has_value(), diagnostics);
  (void)diagnostics.render_all();
  if (!schedule) return;
  const auto violation = graphc::verify_schedule(*schedule);
  CHECK(!violation, *violation);
  const std::string text = graphc::print_schedule(*schedule);
  const auto printed = std::make_shared<const SourceFile>(SourceFile{"printed.schedule", text});
  const auto again = graphc::parse_schedule(printed, tasks, diagnostics);
  CHECK(again.has_value(), diagnostics.render_all() + text);
  CHECK(graphc::print_schedule(*again) == text, text);
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = graphrt::fuzz::source_of(data, size, "input.schedule");
  if (file == nullptr) return -1;
  graphrt::fuzz::check_schedule(file);
  return 0;
}
