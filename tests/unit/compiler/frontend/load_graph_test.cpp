#include "compiler/frontend/load_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "compiler/frontend/source_file.h"
#include "compiler/graph/print_graph.h"
#include "runtime/base/npy.h"

namespace graphc {
namespace {

using testing::HasSubstr;

/// A folder of its own for each test, removed at its end.
class LoadGraph : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("load_graph_" + std::string(test->name()) + "_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<LoadedGraph> load(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    const auto file = read_source_file(folder_ / name);
    EXPECT_TRUE(file);
    return load_graph(*file, sink_);
  }

  std::filesystem::path folder_;
  DiagnosticSink sink_;
};

constexpr const char* kText = "graph g\ninput %x : f32[2]\noutput %x\n";

TEST_F(LoadGraph, ExtensionDecidesTheFormElseTheText) {
  EXPECT_TRUE(load("a.graph", kText)) << sink_.render_all();
  EXPECT_TRUE(load("no_extension", kText)) << sink_.render_all();
  EXPECT_TRUE(load("b.yaml", "graph: g\ninputs: {x: {type: \"f32[2]\"}}\noutputs: [x]\n"))
      << sink_.render_all();
  EXPECT_TRUE(load("yaml_too", "# c\ngraph : g\ninputs: {x: {type: \"f32[2]\"}}\noutputs: [x]\n"))
      << sink_.render_all();
  EXPECT_FALSE(load("c.yaml", kText));
}

TEST_F(LoadGraph, PathsAreJoinedWithTheFolderOfTheFile) {
  const Tensor rows = tensor_of<float>({3, 1}, {1, 2, 3});
  ASSERT_TRUE(write_npy(folder_ / "x.npy", rows));
  const auto loaded = load("a.yaml",
                           "graph: g\nmachine: m/one.yaml\n"
                           "inputs: {x: {type: \"f32[2, 1]\", feed: x.npy}}\noutputs: [x]\n");
  ASSERT_TRUE(loaded) << sink_.render_all();
  EXPECT_EQ(loaded->machine_path, (folder_ / "m/one.yaml").generic_string());
  EXPECT_EQ(loaded->machine_where.line, 2);
  EXPECT_EQ(loaded->request.forward.values[ValueId(0)].feed_path,
            (folder_ / "x.npy").generic_string());
}

TEST_F(LoadGraph, YamlAndItsPrintedTextGiveTheSameGraph) {
  const auto yaml = load("a.yaml",
                         "graph: g\nseed: 4\ninputs: {x: {type: \"f32[2, 3]\"}}\n"
                         "state: {w: {type: \"f32[3, 2]\", init: he_normal}}\n"
                         "nodes:\n"
                         "  - {name: g, op: matmul, inputs: [x, x], transpose_a: true}\n"
                         "  - {name: y, op: matmul, inputs: [x, w], device: gpu0}\n"
                         "outputs: [{value: y, device: gpu0}, g]\n");
  ASSERT_TRUE(yaml) << sink_.render_all();
  const auto text = load("b.graph", print_request(yaml->request));
  ASSERT_TRUE(text) << sink_.render_all();
  EXPECT_EQ(print_request(text->request), print_request(yaml->request));
}

TEST_F(LoadGraph, KeepsThePlacesThatLaterStagesPointAt) {
  const auto loaded = load("a.yaml",
                           "graph: g\n"
                           "inputs: {x: {type: \"f32[2]\"}}\n"
                           "nodes:\n"
                           "  - {name: y, op: relu, inputs: [x], device: gpu9}\n"
                           "outputs: [{value: y, device: gpu8}]\n");
  ASSERT_TRUE(loaded) << sink_.render_all();
  const Node& node = loaded->request.forward.nodes[NodeId(0)];
  EXPECT_EQ(node.device, "gpu9");
  EXPECT_EQ(node.where.line, 4);
  EXPECT_EQ(node.where.column, 12);
  ASSERT_EQ(node.input_places.size(), 1U);
  EXPECT_EQ(node.input_places[0].column, 34);
  EXPECT_EQ(loaded->request.forward.outputs[0].where.line, 5);
  EXPECT_EQ(loaded->request.forward.outputs[0].device, "gpu8");
}

TEST_F(LoadGraph, ADefectiveFeedIsAnErrorAtItsPath) {
  std::ofstream(folder_ / "x.npy") << "no array";
  EXPECT_FALSE(
      load("a.yaml", "graph: g\ninputs: {x: {type: \"f32[2, 1]\", feed: x.npy}}\noutputs: [x]\n"));
  EXPECT_EQ(sink_.num_errors(), 1U);
  EXPECT_THAT(sink_.render_all(), HasSubstr("a.yaml:2:39: error: "));
}

// Whatever the file: a graph that verifies, or reasons why not.
TEST(LoadDamagedYaml, IsRefusedOrRead) {
  const std::string whole =
      "graph: g\nseed: 4\n"
      "inputs:\n  x: {type: \"f32[2, 3]\"}\n"
      "state:\n  w: {type: \"f32[3, 2]\", init: {uniform: {low: 0, high: 1, seed: 3}}}\n"
      "  v: {type: \"f32[3, 2]\", init: {same_as: w}, device: cpu}\n"
      "constants:\n  c: {type: \"i32[2, 2]\", value: [[1, 2], [3, 4]]}\n"
      "nodes:\n"
      "  - {name: a, op: matmul, inputs: [x, x], transpose_a: true, keep: true}\n"
      "  - {name: b, op: sgd_update, inputs: [w, v], learning_rate: 0.5, updates: w}\n"
      "  - {name: d, op: sum, inputs: [a], axes: [-1], keepdims: true}\n"
      "outputs: [{value: d, device: gpu0}, a, c]\n";
  size_t num_read = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::string text = whole;
    std::mt19937 random(seed);
    for (auto i = random() % 3; i > 0; --i) {
      static constexpr std::string_view kBytes = "%={}[]:,\"'\\#- .x10\n\t&*!|>?~\xff";
      const size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = kBytes[random() % kBytes.size()];
      } else {
        text.erase(at, 1 + random() % 9);
      }
    }
    DiagnosticSink sink;
    const Result<LoadedGraph> loaded =
        load_graph(std::make_shared<const SourceFile>(SourceFile{"a.yaml", text}), sink);
    sink.render_all();
    ASSERT_EQ(loaded.has_value(), sink.num_errors() == 0) << "seed " << seed << "\n" << text;
    if (!loaded) continue;
    ASSERT_EQ(verify_request(loaded->request), std::nullopt) << "seed " << seed << "\n" << text;
    ++num_read;
  }
  EXPECT_GT(num_read, 100U);  // a third is not damaged at all
}

TEST(SourceFile, RefusesWhatIsNoText) {
  const auto path =
      std::filesystem::path(testing::TempDir()) / ("source_file_" + std::to_string(getpid()));
  EXPECT_FALSE(read_source_file(path));
  std::ofstream(path) << std::string("a\0b", 3);
  const auto file = read_source_file(path);
  std::filesystem::remove(path);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("not a text file"));
  EXPECT_EQ(file.error().kind, ErrorKind::kInput);
}

}  // namespace
}  // namespace graphc
