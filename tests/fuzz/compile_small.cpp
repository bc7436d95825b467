#include "tests/fuzz/compile_small.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "compiler/autodiff/differentiate.h"
#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/parse_graph.h"
#include "compiler/frontend/tensor_literal.h"
#include "compiler/graph/print_graph.h"
#include "runtime/base/text.h"
#include "tests/fuzz/allocation_limit.h"
#include "tests/fuzz/text_target.h"

namespace graphrt::fuzz {
namespace {

using graphc::DiagnosticSink;
using graphc::Graph;
using graphc::GraphRequest;
using graphc::SourceFile;

/// YAML gives a byte much to say: `{,,,}` is a map of nothing to nothing, and a message for each.
constexpr AllocationLimit kLoadLimit{.fixed_bytes = 32768, .bytes_per_input_byte = 2048};
/// Copies of a literal that may be alive at a time.
constexpr size_t kMaxLiteralCopies = 3;
constexpr size_t kMaxNodes = 24;
constexpr int64_t kMaxCompiledBytes = 1 << 16;
constexpr double kMaxCompiledWork = 1 << 20;

/// What tensors of the shapes in brackets would take, however they are meant: one number may stand
/// for a whole tensor, and the reader takes up to kMaxLiteralBytes for such.
size_t bytes_claimed_in(std::string_view text) {
  constexpr auto kMost = static_cast<size_t>(graphc::kMaxLiteralBytes);
  size_t claimed = 0;
  for (size_t open = text.find('['); open < text.size(); open = text.find('[', open + 1)) {
    const std::string_view rest = text.substr(open + 1);
    const std::string_view inside = rest.substr(0, rest.find(']'));
    size_t size = sizeof(uint32_t);
    for (const std::string_view part : split(inside, ',')) {
      size_t dimension = 0;
      const std::string_view digits = trim(part);
      const auto [end, code] =
          std::from_chars(digits.data(), digits.data() + digits.size(), dimension);
      if (code != std::errc()) break;
      size = dimension == 0 || size <= kMost / dimension ? size * dimension : kMost;
      if (end != digits.data() + digits.size()) break;
    }
    claimed = std::min(kMost, claimed + size);
  }
  return claimed;
}

/// Of the smallest graph that is worth it: what is beyond takes the compiler too long for a fuzzer.
bool is_small(const Graph& graph) {
  if (graph.nodes.size() > kMaxNodes) return false;
  double work = 0;
  for (const graphc::Value& value : graph.values) {
    if (value.type.size_bytes() > kMaxCompiledBytes) return false;
  }
  for (const graphc::NodeId id : graph.nodes.ids()) {
    const graphc::Node& node = graph.nodes[id];
    const Work one =
        node.op->work_rule(graph.input_types(id), graph.result_types(id), node.attributes);
    work += one.num_flops + one.num_bytes;
  }
  return work <= kMaxCompiledWork;
}

}  // namespace

graphc::Machine small_machine() {
  const auto file = std::make_shared<const SourceFile>(SourceFile{
      "machine.yaml",
      "machine: small\n"
      "devices:\n"
      "  cpu: {kind: cpu, workers: 2, memory: 1GiB, launch: 0.1us,\n"
      "        rates: {matmul_f32: 1TFLOP/s, bytes: 100GB/s}}\n"
      "  gpu0: {kind: cuda, streams: 2, memory: 1GiB, launch: 0.5us,\n"
      "         rates: {matmul_f32: 50TFLOP/s, bytes: 2TB/s}}\n"
      "links:\n"
      "  - {between: [cpu, gpu0], to: 50GB/s, back: 50GB/s, both: 80GB/s, latency: 1us}\n"});
  DiagnosticSink diagnostics;
  auto machine = graphc::load_machine(file, diagnostics);
  CHECK(machine.has_value(), diagnostics.render_all());
  return *std::move(machine);
}

const graphc::Compilation& small_compilation() {
  static const graphc::Compilation compilation = [] {
    const auto file = std::make_shared<const SourceFile>(
        SourceFile{"tasks.graph",
                   "graph tasks\n"
                   "input %x : f32[8, 4]\n"
                   "state %w : f32[4, 4] init he_normal(seed=1) device gpu0\n"
                   "%h = matmul(%x, %w) device gpu0\n"
                   "%r = relu(%h) device gpu0\n"
                   "%g = matmul(%x, %r) {transpose_a = true} device gpu0\n"
                   "%u = sgd_update(%w, %g) {learning_rate = 0.5} device cpu updates %w\n"
                   "output %r\n"});
    DiagnosticSink diagnostics;
    const auto graph = graphc::parse_graph(file, diagnostics);
    CHECK(graph.has_value(), diagnostics.render_all());
    auto compiled = graphc::compile(*graph, small_machine(), {}, diagnostics);
    CHECK(compiled.has_value(), diagnostics.render_all());
    return *std::move(compiled);
  }();
  return compilation;
}

std::optional<GraphRequest> load(const std::shared_ptr<const SourceFile>& file) {
  AllocationLimit limit = kLoadLimit;
  limit.fixed_bytes += kMaxLiteralCopies * bytes_claimed_in(file->text);
  const AllocationMeter meter;
  DiagnosticSink diagnostics;
  auto loaded = graphc::load_graph(file, diagnostics);
  meter.expect_within(limit, file->text.size(), "load_graph");
  expect_reasons(loaded.has_value(), diagnostics);
  (void)diagnostics.render_all();
  if (!loaded) return std::nullopt;
  return std::move(loaded->request);
}

void expect_same_text(const GraphRequest& request) {
  const std::string text = graphc::print_request(request);
  const auto file = std::make_shared<const SourceFile>(SourceFile{"printed.graph", text});
  DiagnosticSink diagnostics;
  const auto again = graphc::parse_graph(file, diagnostics);
  CHECK(again.has_value(), diagnostics.render_all() + text);
  const std::string text_again = graphc::print_request(*again);
  CHECK(text_again == text, text + "\nbecomes\n" + text_again);
}

void compile_small(const GraphRequest& request) {
  DiagnosticSink diagnostics;
  graphrt::Result<Graph> whole = request.forward;
  // What training adds counts too.
  if (request.training) {
    whole = graphc::differentiate(request.forward, *request.training, diagnostics);
  }
  if (!whole || !is_small(*whole)) return;
  static const graphc::Machine machine = small_machine();
  const auto compilation = graphc::compile(request, machine, {}, diagnostics);
  const bool is_explained =
      compilation || !compilation.error().message.empty() || diagnostics.num_errors() > 0;
  CHECK(is_explained, "a graph is refused without a reason");
}

}  // namespace graphrt::fuzz
