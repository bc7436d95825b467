#include "compiler/frontend/parse_graph.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/graph/print_graph.h"
#include "tests/unit/compiler/graph/random_graph.h"

namespace graphc {
namespace {

std::shared_ptr<const SourceFile> graph_file_of(std::string text) {
  return std::make_shared<const SourceFile>(SourceFile{"g.graph", std::move(text)});
}

TEST(GraphText, RandomGraphsReadBackAsTheyWere) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    const Graph graph = RandomGraph(seed).make();
    ASSERT_EQ(verify_graph(graph), std::nullopt) << "seed " << seed;
    const std::string text = print_graph(graph);
    DiagnosticSink sink;
    const Result<GraphRequest> again = parse_graph(graph_file_of(text), sink);
    ASSERT_TRUE(again) << "seed " << seed << "\n" << text << sink.render_all();
    ASSERT_EQ(verify_request(*again), std::nullopt) << "seed " << seed;
    ASSERT_EQ(print_request(*again), text) << "seed " << seed;
    // Ids may differ, since the text lists inputs, states and constants first; numbers may not.
    ASSERT_EQ(again->forward.nodes.size(), graph.nodes.size());
    for (const NodeId id : graph.nodes.ids()) {
      ASSERT_EQ(again->forward.nodes[id].attributes, graph.nodes[id].attributes) << "seed " << seed;
    }
    ASSERT_EQ(to_source_graph(again->forward), to_source_graph(graph)) << "seed " << seed << "\n"
                                                                       << text;
  }
}

// Whatever the text: an answer, with reasons if it is no.
TEST(GraphText, DamagedTextsAreRefusedOrRead) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::string text = print_graph(RandomGraph(seed).make());
    std::mt19937 random(seed);
    for (int i = 0; i < 3; ++i) {
      const size_t at = random() % text.size();
      static constexpr std::string_view kBytes = "%=(){}[]:,\"\\#- .x1\n\xff";
      if (random() % 2 == 0) {
        text[at] = kBytes[random() % kBytes.size()];
      } else {
        text.erase(at, 1 + random() % 5);
      }
    }
    DiagnosticSink sink;
    const Result<GraphRequest> graph = parse_graph(graph_file_of(text), sink);
    sink.render_all();
    ASSERT_EQ(graph.has_value(), sink.num_errors() == 0) << "seed " << seed << "\n" << text;
    if (!graph) continue;
    ASSERT_EQ(verify_request(*graph), std::nullopt) << "seed " << seed << "\n" << text;
  }
}

TEST(GraphText, QuotesWhatIsNoIdentifier) {
  const std::string text =
      "graph \"two words\"\n"
      "input %x : f32[2] feed \"a \\\"b\\\" \\\\c\\n.npy\"\n"
      "output %x on \"node1/gpu0\"\n";
  DiagnosticSink sink;
  const Result<GraphRequest> graph = parse_graph(graph_file_of(text), sink);
  ASSERT_TRUE(graph) << sink.render_all();
  EXPECT_EQ(graph->forward.name, "two words");
  EXPECT_EQ(graph->forward.values[ValueId(0)].feed_path, "a \"b\" \\c\n.npy");
  EXPECT_EQ(print_request(*graph), text);
}

}  // namespace
}  // namespace graphc
