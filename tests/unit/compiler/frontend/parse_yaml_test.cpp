#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/frontend/yaml_reader.h"

namespace graphc {
namespace {

using testing::HasSubstr;

std::shared_ptr<const SourceFile> file_of(std::string text) {
  return std::make_shared<const SourceFile>(SourceFile{"f.yaml", std::move(text)});
}

YamlNode parse(const std::string& text) {
  DiagnosticSink sink;
  Result<YamlNode> node = parse_yaml(file_of(text), sink);
  EXPECT_TRUE(node) << sink.render_all();
  EXPECT_EQ(sink.num_errors(), 0U) << sink.render_all();
  return node ? *std::move(node) : YamlNode{};
}

std::string errors_of(const std::string& text) {
  DiagnosticSink sink;
  const Result<YamlNode> node = parse_yaml(file_of(text), sink);
  EXPECT_GT(sink.num_errors(), 0U) << text;
  return sink.render_all();
}

void expect_range(const YamlNode& node, int line, int column, int length) {
  EXPECT_EQ(node.where.line, line) << node.text;
  EXPECT_EQ(node.where.column, column) << node.text;
  EXPECT_EQ(node.where.length, length) << node.text;
}

TEST(ParseYaml, GivesEveryNodeTheRangeItCovers) {
  const YamlNode root = parse(
      "a: {b: \"x\", c: [1, 2]}\n"
      "d:\n"
      "  e: plain text  # comment\n"
      "  f:\n"
      "  - 1\n"
      "g: 'it''s'\n");
  const YamlNode* a = root.find("a");
  expect_range(*a, 1, 4, 19);
  expect_range(a->keys[0], 1, 5, 1);
  expect_range(*a->find("b"), 1, 8, 3);  // with its quotes
  expect_range(*a->find("c"), 1, 16, 6);
  expect_range(a->find("c")->items[1], 1, 20, 1);
  const YamlNode* d = root.find("d");
  expect_range(*d, 3, 3, 1);  // a block map is where its first key is
  expect_range(*d->find("e"), 3, 6, 10);
  expect_range(d->find("f")->items[0], 5, 5, 1);
  EXPECT_EQ(root.find("g")->text, "it's");
}

TEST(ParseYaml, RemembersWhatWasQuoted) {
  const YamlNode root = parse("a: 1\nb: \"1\"\nc: '1'\n");
  EXPECT_FALSE(root.find("a")->is_quoted);
  EXPECT_TRUE(root.find("b")->is_quoted);
  EXPECT_TRUE(root.find("c")->is_quoted);
}

TEST(ParseYaml, ValuesThatAreNotThereAreNull) {
  const YamlNode root = parse("a:\nb: ~\nc: {d: }\n");
  EXPECT_EQ(root.find("a")->kind, YamlKind::kNull);
  EXPECT_EQ(root.find("b")->kind, YamlKind::kNull);
  EXPECT_EQ(root.find("c")->find("d")->kind, YamlKind::kNull);
  EXPECT_EQ(root.find("e"), nullptr);
}

TEST(ParseYaml, RefusesWhatAFormatWithPlacesCannotHave) {
  EXPECT_THAT(errors_of(""), HasSubstr("f.yaml:1:1: error: the file must be a map"));
  EXPECT_THAT(errors_of("- a\n"), HasSubstr("f.yaml:1:1: error: the file must be a map"));
  EXPECT_THAT(errors_of("a: 1\n---\nb: 2\n"), HasSubstr("f.yaml:2:1: error: a file holds one"));
  EXPECT_THAT(errors_of("a: &x 1\n"), HasSubstr("f.yaml:1:4: error: anchors"));
  EXPECT_THAT(errors_of("a: !!str 1\n"), HasSubstr("error: tags are not supported"));
  EXPECT_THAT(errors_of("{a: 1}: 2\n"), HasSubstr("error: a key is a name"));
  EXPECT_THAT(errors_of("a: 1\na: 2\n"), HasSubstr("f.yaml:2:1: error: 'a' is there twice"));
  EXPECT_THAT(errors_of("a: \"open\nb: 1\n"), HasSubstr("f.yaml:1:4: error: this quote is never"));
}

TEST(ParseYaml, SyntaxErrorsHaveAPlaceAndAHint) {
  EXPECT_THAT(errors_of("x: {type: f32[], feed: a}\n"), HasSubstr("f.yaml:1:14: error: YAML"));
  EXPECT_THAT(errors_of("x: {type: f32[100, 64]}\n"),
              HasSubstr("hint: quote the type: \"f32[100, 64]\""));
  EXPECT_THAT(errors_of("a:\n\tb: 1\n"), HasSubstr("hint: indent with blanks"));
}

TEST(ParseYaml, DeepNestingIsAnErrorAndNoOverflow) {
  EXPECT_THAT(errors_of("a: " + std::string(100000, '[')), HasSubstr("f.yaml:1:"));
}

TEST(YamlReader, NumbersAreReadStrictly) {
  const YamlNode root = parse(
      "a: 10\nb: 010\nc: \"10\"\nd: 1.5\ne: 1e400\nf: -0\ng: 99999999999999999999\nh: .inf\ni: "
      "yes\n"
      "j: -01.5\nk: 0x10\n");
  DiagnosticSink sink;
  const auto integer = [&](const char* key) { return read_integer(*root.find(key), key, sink); };
  const auto number = [&](const char* key) { return read_number(*root.find(key), key, sink); };
  EXPECT_EQ(integer("a"), 10);
  EXPECT_EQ(integer("f"), 0);
  EXPECT_EQ(number("d"), 1.5);
  EXPECT_EQ(number("a"), 10.0);
  EXPECT_EQ(sink.num_errors(), 0U) << sink.render_all();
  for (const char* key : {"b", "c", "d", "g", "i", "k"}) EXPECT_FALSE(integer(key)) << key;
  for (const char* key : {"b", "c", "e", "h", "i", "j", "k"}) EXPECT_FALSE(number(key)) << key;
  EXPECT_FALSE(read_flag(*root.find("i"), "i", sink));  // not everywhere the same thing as true
  EXPECT_EQ(sink.num_errors(), 14U);
}

TEST(YamlReader, AMisspelledKeyIsNotAlsoMissing) {
  const YamlNode root = parse("a: {tpye: 1}\n");
  const YamlNode& map = *root.find("a");
  const MapKeys keys = {"a thing", {"type", "size"}};
  DiagnosticSink sink;
  check_keys(map, keys, sink);
  EXPECT_EQ(require_key(map, "type", keys, map.where, sink), nullptr);
  EXPECT_EQ(sink.num_errors(), 1U) << sink.render_all();
  EXPECT_EQ(require_key(map, "size", keys, map.where, sink), nullptr);
  EXPECT_EQ(sink.num_errors(), 2U) << sink.render_all();
}

}  // namespace
}  // namespace graphc
