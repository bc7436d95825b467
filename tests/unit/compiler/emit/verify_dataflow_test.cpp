#include "compiler/emit/verify_dataflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/emit/value_numbers.h"
#include "compiler/graph/print_graph.h"
#include "runtime/proof/verify_structure.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Square matrices everywhere, so that types alone give no mistake away. The GPU reads the state
/// that the CPU updates.
const Graph& square_step() {
  static const Graph graph = graph_of(
      "graph g\n"
      "input %x : f32[64, 64]\n"
      "input %y : f32[64, 64]\n"
      "state %w : f32[64, 64] init he_normal(seed=1, stream=w)\n"
      "state %v : f32[64, 64] init he_normal(seed=2, stream=v)\n"
      "%z = matmul(%x, %w) device gpu0 keep\n"
      "%h = relu(%z) device gpu0\n"
      "%t = tanh(%y) device cpu\n"
      "%u = sub(%h, %t) device cpu\n"
      "%w_new = sgd_update(%w, %u) {learning_rate=0.5} device cpu updates %w\n"
      "%r = add(%v, %t) device cpu\n"
      "output %u\n"
      "output %r\n"
      "output %h on gpu0\n");
  return graph;
}

/// In blocks of eight rows on the CPU.
const Compilation& compiled_square_step() {
  static const Compilation compilation = [] {
    CompileOptions options;
    options.block_sizes = {64, 64, 64, 8, 8};
    DiagnosticSink sink;
    auto made = compile({square_step()}, star_machine(), options, sink);
    CHECK(made, sink.render_all());
    return *std::move(made);
  }();
  return compilation;
}

BufferId buffer_named(const Plan& plan, const std::string& name) {
  for (const BufferId id : plan.buffers.ids()) {
    if (plan.buffers[id].name == name) return id;
  }
  CHECK(false, "no buffer " + name);
}

Instruction& instruction_named(Plan& plan, const std::string& name) {
  for (Instruction& instruction : plan.instructions) {
    if (instruction.name == name) return instruction;
  }
  CHECK(false, "no instruction " + name);
}

/// What `name` of another buffer, from those who really write it.
Operand operand_of(const Plan& plan, const std::string& buffer, int32_t distance,
                   const std::optional<RowRange>& rows = {}) {
  const BufferId id = buffer_named(plan, buffer);
  const auto writers = writers_of_buffers(plan);
  return {id, producers_of_rows(plan, id, rows, writers[id]), distance, rows};
}

/// The mutant is sound as a plan by itself, so that the graph alone tells that it is wrong. (What
/// this file does to operands would need other waits, too; the structure says it all.)
std::string refusal(Plan plan) {
  for (graphrt::PlanArena& arena : plan.arenas) {
    if (arena.kind == graphrt::MemoryKind::kPageable) arena.kind = graphrt::MemoryKind::kPinned;
  }
  const auto structure = find_structure_violation(plan);
  EXPECT_FALSE(structure) << structure->message;
  return verify_dataflow(plan, compiled_square_step().passes.graph).value_or("accepted");
}

TEST(VerifyDataflow, AcceptsWhatTheCompilerMade) {
  Plan plan = compiled_square_step().plan;
  EXPECT_EQ(refusal(plan), "accepted");
  // The mutants below are about copies, rows and states.
  EXPECT_NO_FATAL_FAILURE(instruction_named(plan, "w -> gpu0"));
  EXPECT_NO_FATAL_FAILURE(instruction_named(plan, "t[0:8]"));
}

TEST(VerifyDataflow, DoesNotRelyOnNamesOfInstructions) {
  Plan plan = compiled_square_step().plan;
  for (Instruction& instruction : plan.instructions) instruction.name = "z";
  EXPECT_EQ(refusal(plan), "accepted");
}

TEST(VerifyDataflow, RefusesSwappedOperands) {
  Plan plan = compiled_square_step().plan;
  Instruction& z = instruction_named(plan, "z");
  std::swap(z.reads[0], z.reads[1]);
  EXPECT_EQ(refusal(plan),
            "'z' is matmul(w, x), which no node of the graph is; node 'z' is matmul(x, w)");
}

TEST(VerifyDataflow, KnowsTheResultsOfAnOperatorApart) {
  DiagnosticSink sink;
  const std::string heads = " : f32[2, 4, 2, 4]\n";
  auto made = compile({graph_of("graph g\ninput %g" + heads + "input %q" + heads + "input %k" +
                                heads + "input %v" + heads +
                                "%a = attention(%q, %k, %v)\n"
                                "%d = attention_grad(%g, %q, %k, %v, %a, %a.log_sum)\n"
                                "output %d.k\n"
                                "output %d.v\n")},
                      star_machine(), {}, sink);
  ASSERT_TRUE(made) << sink.render_all();
  Plan plan = made->plan;
  EXPECT_EQ(verify_dataflow(plan, made->passes.graph), std::nullopt);
  std::vector<BufferId>& writes = instruction_named(plan, "d").writes;
  ASSERT_EQ(writes.size(), 3U);
  std::swap(writes[1], writes[2]);
  ASSERT_FALSE(find_structure_violation(plan));
  EXPECT_EQ(verify_dataflow(plan, made->passes.graph),
            "output 'd.k' hands out d.v; the graph's is 'd.k'");
  std::swap(writes[1], writes[2]);
  std::swap(writes[0], writes[1]);
  EXPECT_EQ(verify_dataflow(plan, made->passes.graph),
            "output 'd.k' hands out d; the graph's is 'd.k'");
}

TEST(VerifyDataflow, RefusesAnotherProducerOfTheSameType) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "h").reads[0] = operand_of(plan, "x@gpu0", 0);
  EXPECT_EQ(refusal(plan), "'h' is relu(x), which no node of the graph is; node 'h' is relu(z)");
}

// A copy is seen through: it is the consumer whose operand is wrong.
TEST(VerifyDataflow, RefusesACopyOfAnotherValue) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "x -> gpu0").reads[0] = operand_of(plan, "y@cpu", 0);
  EXPECT_EQ(refusal(plan),
            "'z' is matmul(y, w), which no node of the graph is; node 'z' is matmul(x, w)");
}

TEST(VerifyDataflow, RefusesAnotherAttribute) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "z").attributes.set("transpose_b", true);
  EXPECT_EQ(refusal(plan),
            "'z' is matmul(x, w, transpose_b=true), which no node of the graph is; node 'z' is "
            "matmul(x, w)");
}

TEST(VerifyDataflow, RefusesAnotherOperator) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "h").op = "sigmoid";
  EXPECT_EQ(refusal(plan), "'h' is sigmoid(z), which no node of the graph is; node 'h' is relu(z)");
}

TEST(VerifyDataflow, RefusesABlockOfTheWrongRows) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "u[0:8]").reads[1] = operand_of(plan, "t@cpu", 0, RowRange{8, 16});
  EXPECT_EQ(refusal(plan), "'u[0:8]' makes rows 0:8 of u from rows 8:16 of t; it needs rows 0:8");
}

// Rows of r and of t in one buffer: whoever reads all of it would get some of each.
TEST(VerifyDataflow, RefusesABufferOfTwoValues) {
  Plan plan = compiled_square_step().plan;
  Instruction& block = instruction_named(plan, "r[0:8]");
  block.op = "tanh";
  block.reads = {operand_of(plan, "y@cpu", 0, RowRange{0, 8})};
  EXPECT_EQ(refusal(plan),
            "'r[8:16]' writes rows of r into buffer 'r@cpu', whose other rows are of t");
}

/// Slices and concats that are rows of other values, on the CPU and on a GPU.
const Compilation& compiled_views() {
  static const Compilation compilation = [] {
    CompileOptions options;
    options.block_sizes = {64, 64, 64, 8, 4};
    DiagnosticSink sink;
    auto made = compile({graph_of("graph g\n"
                                  "input %x : f32[64, 64]\n"
                                  "state %w : f32[64, 64] init zeros\n"
                                  "%low = slice(%x) {begin = 0, end = 32}\n"
                                  "%high = slice(%x) {begin = 32, end = 64}\n"
                                  "%a = relu(%low) device cpu\n"
                                  "%b = tanh(%high) device gpu0\n"
                                  "%c = concat(%a, %b) device cpu\n"
                                  "%d = concat(%b, %high) device gpu0\n"
                                  "%e = add(%c, %x) device cpu\n"
                                  "%f = mul(%a, %low) device cpu\n"
                                  "%g = exp(%d) device gpu0\n"
                                  "%u = slice(%w) {begin = 0, end = 32}\n"
                                  "%v = slice(%w) {begin = 32, end = 64}\n"
                                  "%p = sgd_update(%u, %f) {learning_rate=0.5} device cpu\n"
                                  "%q = sgd_update(%v, %a) {learning_rate=0.5} device cpu\n"
                                  "%w_new = concat(%p, %q) device cpu updates %w\n"
                                  "output %e\noutput %g\n")},
                        star_machine(), options, sink);
    CHECK(made, sink.render_all());
    return *std::move(made);
  }();
  return compilation;
}

TEST(VerifyDataflow, KnowsRowsThatAreValues) {
  const Compilation& made = compiled_views();
  EXPECT_EQ(verify_dataflow(made.plan, made.passes.graph), std::nullopt);
  for (const Instruction& instruction : made.plan.instructions) {
    EXPECT_NE(instruction.op, "slice") << instruction.name;
    EXPECT_NE(instruction.op, "concat") << instruction.name;
  }
}

TEST(VerifyDataflow, RefusesEveryOtherRange) {
  const Compilation& made = compiled_views();
  const auto writers = writers_of_buffers(made.plan);
  int num_refused = 0;
  for (const InstructionId id : made.plan.instructions.ids()) {
    for (size_t i = 0; i < made.plan.instructions[id].reads.size(); ++i) {
      for (const int64_t shift : {int64_t{-1}, int64_t{1}, int64_t{-32}, int64_t{32}}) {
        Plan plan = made.plan;
        Operand& operand = plan.instructions[id].reads[i];
        if (!operand.rows) continue;
        operand.rows = RowRange{operand.rows->begin + shift, operand.rows->end + shift};
        if (operand.rows->begin < 0 || operand.rows->end > 64) continue;
        operand.producers =
            producers_of_rows(plan, operand.buffer, operand.rows, writers[operand.buffer]);
        EXPECT_TRUE(verify_dataflow(plan, made.passes.graph))
            << plan.instructions[id].name << " operand " << i << " by " << shift;
        ++num_refused;
      }
    }
  }
  EXPECT_GT(num_refused, 20);
}

TEST(VerifyDataflow, RefusesPartsInEachOthersPlace) {
  const Compilation& made = compiled_views();
  Plan plan = made.plan;
  for (const char* half : {"[0:8]", "[8:16]", "[16:24]", "[24:32]"}) {
    Instruction& p = instruction_named(plan, std::string("p") + half);
    Instruction& q = instruction_named(plan, std::string("q") + half);
    std::swap(p.rows, q.rows);
  }
  EXPECT_TRUE(verify_dataflow(plan, made.passes.graph));
}

TEST(VerifyDataflow, RefusesTheNewValueOfAState) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "z").reads[1] = operand_of(plan, "w@gpu0", 0);
  // In a step of its own the product would need itself.
  EXPECT_EQ(refusal(plan), "values of one step wait for each other");
  instruction_named(plan, "r[0:8]").reads[0] = operand_of(plan, "w@cpu", 0, RowRange{0, 8});
  instruction_named(plan, "z").reads[1] = operand_of(plan, "w@gpu0", 1);
  EXPECT_EQ(
      refusal(plan),
      "'r[0:8]' is add(w_new[0:8], t[0:8]), which no node of the graph is; node 'r' is add(v, t)");
}

TEST(VerifyDataflow, RefusesAStateOfAnEarlierStep) {
  Plan plan = compiled_square_step().plan;
  // Room for it, so that the plan is sound.
  for (const char* name : {"w@cpu", "w@gpu0"}) {
    PlanBuffer& buffer = plan.buffers[buffer_named(plan, name)];
    PlanArena& arena = plan.arenas[buffer.arena];
    buffer.offset_bytes = arena.size_bytes;
    buffer.versions = 2;
    arena.size_bytes += 2 * buffer.stride_bytes;
  }
  plan.required_features = features_of(plan);
  ASSERT_EQ(refusal(plan), "accepted");
  instruction_named(plan, "z").reads[1].distance = 2;
  EXPECT_EQ(refusal(plan),
            "'z' is matmul(x, w of 1 steps before), which no node of the graph is; node 'z' is "
            "matmul(x, w)");
}

TEST(VerifyDataflow, RefusesAnotherInitialiser) {
  Plan plan = compiled_square_step().plan;
  std::swap(plan.states[0].initializer, plan.states[1].initializer);
  EXPECT_EQ(refusal(plan), "state 'w' does not start as it does in the graph");
}

TEST(VerifyDataflow, RefusesStatesThatExchangedTheirBuffers) {
  Plan plan = compiled_square_step().plan;
  std::swap(plan.states[0].buffers, plan.states[1].buffers);
  EXPECT_EQ(refusal(plan),
            "'z' is matmul(x, v), which no node of the graph is; node 'z' is matmul(x, w)");
}

// Every device's buffer of a state gets the new value, the one that is read on and the one that is
// saved.
TEST(VerifyDataflow, RefusesAStateThatIsReplacedByAnotherValue) {
  Plan plan = compiled_square_step().plan;
  instruction_named(plan, "w -> gpu0").reads[0] = operand_of(plan, "t@cpu", 0);
  EXPECT_EQ(refusal(plan), "'w' in buffer 'w@gpu0' is replaced by t, not by w_new");
}

TEST(VerifyDataflow, RefusesAnOutputOfAnotherValue) {
  Plan plan = compiled_square_step().plan;
  const Operand other = operand_of(plan, "t@cpu", 0);
  plan.instructions[*plan.outputs[0].instruction].reads[0] = other;
  plan.outputs[0].value = other;
  EXPECT_EQ(refusal(plan), "output 'u' hands out t; the graph's is 'u'");
}

TEST(VerifyDataflow, RefusesExchangedOutputs) {
  Plan plan = compiled_square_step().plan;
  std::swap(plan.outputs[0].name, plan.outputs[1].name);
  EXPECT_EQ(refusal(plan), "output 'r' hands out u; the graph's is 'u'");
}

TEST(VerifyDataflow, RefusesExchangedFeeds) {
  Plan plan = compiled_square_step().plan;
  std::swap(instruction_named(plan, "feed x").input, instruction_named(plan, "feed y").input);
  EXPECT_THAT(refusal(plan), HasSubstr("which no node of the graph is"));
}

TEST(VerifyDataflow, RefusesANodeThatIsMissing) {
  Graph graph = compiled_square_step().passes.graph;
  const Plan& plan = compiled_square_step().plan;
  const Graph larger = graph_of(print_graph(graph) + "%q = relu(%t)\n");
  EXPECT_EQ(verify_dataflow(plan, larger), "node 'q' is not computed");
}

// Two nodes that compute the same are both computed, whichever is read.
TEST(VerifyDataflow, CountsEqualNodes) {
  const Graph graph = graph_of(
      "graph g\n"
      "input %x : f32[4]\n"
      "%a = relu(%x) keep\n"
      "%b = relu(%x) keep\n"
      "output %a\n"
      "output %b\n");
  DiagnosticSink sink;
  const auto compilation = compile({graph}, single_cpu_machine(), {}, sink);
  ASSERT_TRUE(compilation) << sink.render_all();
  Plan plan = compilation->plan;
  EXPECT_EQ(verify_dataflow(plan, compilation->passes.graph), std::nullopt);
  instruction_named(plan, "output b").reads[0] = operand_of(plan, "a@cpu", 0);
  EXPECT_EQ(verify_dataflow(plan, compilation->passes.graph), std::nullopt);  // the same value
  Instruction& b = instruction_named(plan, "b");
  b.kind = InstructionKind::kCopy;
  b.reads = {operand_of(plan, "a@cpu", 0)};
  EXPECT_EQ(verify_dataflow(plan, compilation->passes.graph),
            "node 'b' is not computed completely");
}

TEST(VerifyDataflow, RefusesAnotherContentOfAConstant) {
  const Graph graph = graph_of(
      "graph g\n"
      "input %x : f32[2]\n"
      "constant %c : f32[2] = [1, 2]\n"
      "%y = add(%x, %c)\n"
      "output %y\n");
  DiagnosticSink sink;
  const auto compilation = compile({graph}, single_cpu_machine(), {}, sink);
  ASSERT_TRUE(compilation) << sink.render_all();
  Plan plan = compilation->plan;
  ASSERT_EQ(plan.constants.size(), 1U);
  std::vector<std::byte> other = plan.constants[0].data.to_vector();
  other[0] ^= std::byte{1};
  plan.constants[0].data = std::move(other);
  EXPECT_EQ(verify_dataflow(plan, compilation->passes.graph),
            "constant 'c' has a content that no constant of the graph has");
}

TEST(ValueNumbers, AreEqualForEqualComputationsOnly) {
  const Graph graph = graph_of(
      "graph g\n"
      "input %x : f32[4]\n"
      "input %y : f32[4]\n"
      "constant %c : f32[2] = [1, 2]\n"
      "constant %d : f32[2] = [1, 2]\n"
      "constant %e : f32[2] = [1, 3]\n"
      "%a = sub(%x, %y) keep\n"
      "%b = sub(%x, %y) keep\n"
      "%f = sub(%y, %x)\n"
      "%g = scale(%a) {factor=2.0}\n"
      "%h = scale(%b) {factor=2.0}\n"
      "%i = scale(%b) {factor=3.0}\n"
      "output %f\n"
      "output %g\n"
      "output %h\n"
      "output %i\n");
  const ValueNumbers numbers(graph);
  const auto number = [&](std::string_view name) {
    for (const ValueId id : graph.values.ids()) {
      if (graph.values[id].name == name) return numbers.of(id);
    }
    CHECK(false, std::string(name));
  };
  EXPECT_NE(number("x"), number("y"));
  EXPECT_EQ(number("c"), number("d"));
  EXPECT_NE(number("c"), number("e"));
  EXPECT_EQ(number("a"), number("b"));
  EXPECT_NE(number("a"), number("f"));
  EXPECT_EQ(number("g"), number("h"));
  EXPECT_NE(number("h"), number("i"));
  EXPECT_EQ(numbers.size(), 8U);
}

}  // namespace
}  // namespace graphc
