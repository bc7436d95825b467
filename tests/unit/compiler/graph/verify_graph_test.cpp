#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/frontend/parse_graph.h"
#include "compiler/graph/graph_request.h"
#include "compiler/graph/print_graph.h"

namespace graphc {
namespace {

using testing::HasSubstr;
using testing::Optional;

//  x ---> a ---> b (output)      values: 0 x, 1 w, 2 c, 3 a, 4 b, 5 w_new
//  w ---> w_new                  nodes:  0 a, 1 b, 2 w_new
//  c
Graph parsed(const std::string& text) {
  DiagnosticSink sink;
  Result<GraphRequest> graph =
      parse_graph(std::make_shared<const SourceFile>(SourceFile{"g.graph", text}), sink);
  EXPECT_TRUE(graph) << sink.render_all();
  return std::move(graph)->forward;
}

Graph small_graph() {
  return parsed(
      "graph g\ninput %x : f32[2]\nstate %w : f32[2] init zeros\n"
      "constant %c : f32[2] = [1, 2]\n"
      "%a = scale(%x) {factor = 2.0} : f32[2]\n%b = add(%a, %c) : f32[2]\n"
      "%w_new = add(%w, %b) : f32[2] updates %w\noutput %b\n");
}

//  q ---> a, a.log_sum       values: 0 q, 1 a, 2 e, 3 a.log_sum
//  a.log_sum ---> e          nodes:  0 a, 1 e
Graph graph_of_attention() {
  return parsed(
      "graph g\ninput %q : f32[1, 4, 2, 8]\n%a = attention(%q, %q, %q)\n"
      "%e = exp(%a.log_sum)\noutput %e\noutput %a\n");
}

//  w, m, v ---> n, n.m, n.v      values: 0 g, 1 step, 2 w, 3 m, 4 v, 5 n, 6 n.m, 7 n.v
Graph graph_of_adam() {
  return parsed(
      "graph g\ninput %g : f32[2]\ninput %step : i32[]\nstate %w : f32[2] init zeros\n"
      "state %m : f32[2] init zeros\nstate %v : f32[2] init zeros\n"
      "%n, %n.m, %n.v = adam_step(%w, %m, %v, %g, %step) {learning_rate = 0.1} updates %w, %m, %v\n"
      "output %n.m\n");
}

TEST(VerifyGraph, AcceptsAValidGraph) { EXPECT_EQ(verify_graph(small_graph()), std::nullopt); }

struct Damage {
  const char* what;  // a part of the violation, with the offender's name
  std::function<void(Graph&)> on;
};

TEST(VerifyGraph, NamesTheOffender) {
  const std::vector<Damage> damages = {
      {"'a' stands before 'b'", [](Graph& g) { g.nodes[NodeId(0)].inputs[0] = ValueId(4); }},
      {"'a' stands before 'a'", [](Graph& g) { g.nodes[NodeId(0)].inputs[0] = ValueId(3); }},
      {"'a' has 2 operands", [](Graph& g) { g.nodes[NodeId(0)].inputs.push_back(ValueId(0)); }},
      {"'b' reads a value that is not there",
       [](Graph& g) { g.nodes[NodeId(1)].inputs[0] = ValueId(9); }},
      {"'a' lacks the attribute 'factor'",
       [](Graph& g) { g.nodes[NodeId(0)].attributes.erase("factor"); }},
      {"'a' has the attribute 'axis'",
       [](Graph& g) { g.nodes[NodeId(0)].attributes.set("axis", int64_t{0}); }},
      {"'a' has the attribute 'factor'",
       [](Graph& g) { g.nodes[NodeId(0)].attributes.set("factor", true); }},
      {"'a' is f32[2], but is typed f32[3]",
       [](Graph& g) { g.values[ValueId(3)].type.shape = {3}; }},
      {"'w_new' is f32[2], but updates 'w' of type f32[1]",
       [](Graph& g) { g.values[ValueId(1)].type.shape = {1}; }},
      {"'w' is updated twice", [](Graph& g) { g.nodes[NodeId(1)].updates = ValueId(1); }},
      {"'b' updates what is no state", [](Graph& g) { g.nodes[NodeId(1)].updates = ValueId(0); }},
      {"two values are named 'x'", [](Graph& g) { g.values[ValueId(2)].name = "x"; }},
      {"'q' has no result of its name", [](Graph& g) { g.nodes[NodeId(1)].name = "q"; }},
      {"'a' is no result of its producer",
       [](Graph& g) { g.values[ValueId(3)].producer = NodeId(1); }},
      {"'c' has 4 bytes of data, but is f32[2]",
       [](Graph& g) { g.values[ValueId(2)].initializer.data = std::vector<std::byte>(4); }},
      {"'x' has no valid type", [](Graph& g) { g.values[ValueId(0)].type.shape = {-1}; }},
      {"'x y' is no identifier", [](Graph& g) { g.values[ValueId(0)].name = "x y"; }},
      {"an output is no value", [](Graph& g) { g.outputs[0].value = ValueId(77); }},
      {"'a' has no operator", [](Graph& g) { g.nodes[NodeId(0)].op = nullptr; }},
  };
  for (const Damage& damage : damages) {
    Graph graph = small_graph();
    damage.on(graph);
    EXPECT_THAT(verify_graph(graph), Optional(HasSubstr(damage.what)));
  }
}

TEST(VerifyGraph, NamesTheOffenderAmongSeveralResults) {
  EXPECT_EQ(verify_graph(graph_of_attention()), std::nullopt);
  const ValueId log_sum(3);
  const std::vector<Damage> damages = {
      {"'a' has 1 results",
       [](Graph& g) {
         g.nodes[NodeId(0)].results.pop_back();
         g.values[ValueId(3)] = g.values[ValueId(0)];
         g.values[ValueId(3)].name = "other";
       }},
      {"'a' has 3 results", [](Graph& g) { g.nodes[NodeId(0)].results.push_back(ValueId(3)); }},
      {"'e' has 2 results", [](Graph& g) { g.nodes[NodeId(1)].results.push_back(ValueId(1)); }},
      {"'a' has no result of the name 'a.log_sum'",
       [](Graph& g) { g.values[ValueId(3)].name = "a.lse"; }},
      {"'a.log_sum' is no result of its producer",
       [](Graph& g) { g.nodes[NodeId(0)].results[1] = ValueId(77); }},
      {"'a' has no result of its name",
       [](Graph& g) { std::swap(g.nodes[NodeId(0)].results[0], g.nodes[NodeId(0)].results[1]); }},
      {"'a.log_sum' is no result of its producer",
       [](Graph& g) { g.values[ValueId(3)].producer = NodeId(1); }},
      {"'a.log_sum' is f32[1, 2, 4], but is typed f32[1, 4, 2]",
       [](Graph& g) { g.values[ValueId(3)].type.shape = {1, 4, 2}; }},
      {"'a' stands before 'a.log_sum', which it reads",
       [](Graph& g) { g.nodes[NodeId(0)].inputs[2] = ValueId(3); }},
  };
  ASSERT_EQ(graph_of_attention().values[log_sum].name, "a.log_sum");
  for (const Damage& damage : damages) {
    Graph graph = graph_of_attention();
    damage.on(graph);
    EXPECT_THAT(verify_graph(graph), Optional(HasSubstr(damage.what)));
  }
}

TEST(VerifyRequest, NamesWhatCannotBeAskedFor) {
  const GraphRequest plain{small_graph()};
  EXPECT_EQ(verify_request(plain), std::nullopt);

  GraphRequest trained = plain;
  trained.training.emplace().loss = ValueId(4);
  EXPECT_EQ(verify_request(trained), std::nullopt);
  trained.training->parameters = {{ValueId(0), {}}};
  EXPECT_EQ(verify_request(trained), "a trained parameter is no state of the graph");
  trained.training->loss = ValueId(77);
  EXPECT_EQ(verify_request(trained), "the loss is no value of the graph");

  GraphRequest divided = plain;
  divided.parallel.emplace().kind = ParallelKind::kBatch;
  EXPECT_THAT(verify_request(divided), Optional(HasSubstr("over no device")));
  divided.parallel->batch = {{"gpu0", 2, {}}, {"gpu1", std::nullopt, {}}};
  EXPECT_EQ(verify_request(divided), std::nullopt);
  divided.parallel->batch.push_back({"gpu0", 1, {}});
  EXPECT_EQ(verify_request(divided), "'gpu0' has two parts");
  divided.parallel->batch = {{"gpu0", 0, {}}};
  EXPECT_EQ(verify_request(divided), "the part of 'gpu0' has no rows");
}

TEST(VerifyGraph, KnowsTheStatesThatSeveralResultsReplace) {
  const Graph whole = graph_of_adam();
  EXPECT_EQ(verify_graph(whole), std::nullopt);
  EXPECT_EQ(whole.next_values()[ValueId(4)], ValueId(7));
  EXPECT_NE(print_graph(whole).find(" updates %w, %m, %v\n"), std::string::npos);
  const SourceGraph source = to_source_graph(whole);
  EXPECT_EQ(source.nodes[0].updated_states(),
            (std::vector<SourceValueId>{SourceValueId(2), SourceValueId(3), SourceValueId(4)}));
  const auto violation_with = [&](const std::vector<ValueId>& more) {
    Graph graph = whole;
    graph.nodes[NodeId(0)].more_updates = more;
    return verify_graph(graph);
  };
  EXPECT_EQ(violation_with({}), std::nullopt);
  EXPECT_EQ(violation_with({ValueId(3)}), "'n' updates states with some of its results");
  EXPECT_EQ(violation_with({ValueId(3), ValueId(3)}), "'m' is updated twice");
  EXPECT_EQ(violation_with({ValueId(3), ValueId(0)}), "'n.v' updates what is no state");
  Graph without_first = whole;
  without_first.nodes[NodeId(0)].updates.reset();
  EXPECT_EQ(verify_graph(without_first), "'n' updates states with some of its results");
}

TEST(Graph, ToSourceGraphKeepsEverythingThatNumbersDependOn) {
  const Graph graph = small_graph();
  const SourceGraph source = to_source_graph(graph);
  EXPECT_EQ(source.name, "g");
  ASSERT_EQ(source.values.size(), 6U);
  EXPECT_EQ(source.values[SourceValueId(1)].kind, SourceValueKind::kState);
  EXPECT_EQ(source.values[SourceValueId(2)].initializer.data.size(), 8U);
  ASSERT_EQ(source.nodes.size(), 3U);
  EXPECT_EQ(source.nodes[2].updates, SourceValueId(1));
  EXPECT_EQ(source.nodes[0].attributes.number("factor", 0), 2.0);
  EXPECT_EQ(source.outputs, (std::vector<SourceValueId>{SourceValueId(4)}));
  EXPECT_EQ(graph.next_values()[ValueId(1)], ValueId(5));
  EXPECT_EQ(graph.next_values()[ValueId(0)], std::nullopt);
  EXPECT_EQ(to_source_graph(graph_of_attention()).nodes[0].results,
            (std::vector{SourceValueId(1), SourceValueId(3)}));
}

}  // namespace
}  // namespace graphc
