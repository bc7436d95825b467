#include "compiler/diagnostics/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graphc {
namespace {

std::shared_ptr<const SourceFile> file_of(std::string text, std::string path = "mlp.yaml") {
  return std::make_shared<const SourceFile>(SourceFile{std::move(path), std::move(text)});
}

TEST(Diagnostic, ShowsPlaceLineCaretHintAndNotes) {
  const auto file = file_of("graph: g\n  w2: {}\n  inputs: [x, w2]\n");
  DiagnosticSink sink;
  sink.error({file, 3, 11, 7}, "matmul needs a[M, K] and b[K, N]", "transpose one of them")
      .notes.push_back({Severity::kNote, {file, 2, 3, 2}, "w2 is declared here", {}, {}});
  EXPECT_EQ(sink.render_all(),
            "mlp.yaml:3:11: error: matmul needs a[M, K] and b[K, N]\n"
            "  inputs: [x, w2]\n"
            "          ^~~~~~~\n"
            "  hint: transpose one of them\n"
            "mlp.yaml:2:3: note: w2 is declared here\n");
}

TEST(Diagnostic, WithoutAFileHasNoPlace) {
  EXPECT_EQ(render({Severity::kError, {}, "no machine", std::nullopt, {}}), "error: no machine\n");
}

TEST(Diagnostic, PlacesOutsideTheFileDoNotHarm) {
  const auto file = file_of("one line");
  EXPECT_EQ(render({Severity::kError, {file, 7, 3, 2}, "m", std::nullopt, {}}),
            "mlp.yaml:7:3: error: m\n\n^\n");
  EXPECT_EQ(render({Severity::kError, {file, 1, 90, 2}, "m", std::nullopt, {}}),
            "mlp.yaml:1:90: error: m\none line\n        ^\n");
  // The range ends with the line.
  EXPECT_EQ(render({Severity::kError, {file, 1, 5, 900}, "m", std::nullopt, {}}),
            "mlp.yaml:1:5: error: m\none line\n    ^~~~\n");
}

TEST(Diagnostic, CaretStandsUnderTheRangeAfterTabsAndLongCharacters) {
  // "ä" has two bytes and one column, so the range starts at byte 6 and column 5 of the screen.
  const auto file = file_of("\t\"ä\" x");
  EXPECT_EQ(render({Severity::kError, {file, 1, 7, 1}, "m", std::nullopt, {}}),
            "mlp.yaml:1:7: error: m\n\t\"ä\" x\n\t    ^\n");
  // One caret for one character, although it has two bytes.
  EXPECT_EQ(render({Severity::kError, {file, 1, 3, 2}, "m", std::nullopt, {}}),
            "mlp.yaml:1:3: error: m\n\t\"ä\" x\n\t ^\n");
}

TEST(Diagnostic, ControlCharactersDoNotReachTheTerminal) {
  const auto file = file_of("a\x1b[31mb", "evil\x1bname");
  EXPECT_EQ(render({Severity::kError, {file, 1, 1, 1}, "two\nlines", std::nullopt, {}}),
            "evil name:1:1: error: two lines\na [31mb\n^\n");
}

TEST(Diagnostic, LongLinesAreShownInPart) {
  const auto file = file_of(std::string(1000, 'a') + "X" + std::string(1000, 'b'));
  const std::string text = render({Severity::kError, {file, 1, 1001, 1}, "m", std::nullopt, {}});
  EXPECT_LT(text.size(), 400U);
  const size_t x = text.find('X');
  const size_t caret = text.find('^');
  ASSERT_NE(x, std::string::npos);
  // Same column of their lines.
  EXPECT_EQ(x - text.rfind('\n', x), caret - text.rfind('\n', caret));
}

// Bytes that continue a character and follow none, where the line is cut on both sides.
TEST(Diagnostic, LongLinesNeedNotBeUtf8) {
  const auto file = file_of(std::string(1000, '\x80'));
  for (const int column : {1, 100, 500, 1000, 1001}) {
    const std::string text = render({Severity::kError, {file, 1, column, 3}, "m", {}, {}});
    EXPECT_THAT(text, testing::HasSubstr("^"));
    EXPECT_LT(text.size(), 400U);
  }
}

// Those are shown that a reader of the file meets first, whatever the order of the reports; the
// others cost neither memory nor lines.
TEST(DiagnosticSink, ShowsTheFirstOfManyAndCountsTheOthers) {
  constexpr int kNumLines = 200'000;
  std::string content;
  for (int i = 1; i <= kNumLines; ++i) content += std::to_string(i) + "\n";
  const auto file = file_of(content);
  DiagnosticSink sink;
  for (int i = kNumLines; i > 0; --i) sink.error({file, i, 1, 1}, "m");
  const std::string text = sink.render_all();
  EXPECT_EQ(sink.num_errors(), 200'000U);
  EXPECT_TRUE(text.starts_with("mlp.yaml:1:1: error: m\n1\n^\nmlp.yaml:2:1: error: m\n2\n^\n"));
  EXPECT_TRUE(text.ends_with("mlp.yaml:30:1: error: m\n30\n^\nand 199970 more errors\n"));
}

TEST(DiagnosticSink, WarningsDoNotCrowdOutErrors) {
  const auto file = file_of(std::string(100, '\n'));
  DiagnosticSink sink;
  for (int i = 1; i <= 31; ++i) sink.warning({file, i, 1, 1}, "w");
  sink.error({file, 90, 1, 1}, "e");
  const std::string text = sink.render_all();
  EXPECT_THAT(text, testing::HasSubstr("mlp.yaml:90:1: error: e\n"));
  EXPECT_TRUE(text.ends_with("and 1 more warning\n")) << text;
}

TEST(DiagnosticSink, CountsWhatIsSaidTwiceOnce) {
  const auto file = file_of(std::string(100, '\n'));
  DiagnosticSink sink;
  for (int round = 0; round < 50; ++round) {
    for (int i = 1; i <= 30; ++i) sink.error({file, i, 1, 1}, "m");
  }
  EXPECT_THAT(sink.render_all(), testing::Not(testing::HasSubstr("more")));
}

TEST(Diagnostic, LongMessagesAndManyNotesAreShownInPart) {
  const std::string name(1'000'000, 'n');
  DiagnosticSink sink;
  Diagnostic& error = sink.error({}, "'" + name + "' is not defined", name);
  for (int i = 0; i < 100; ++i) error.notes.push_back({Severity::kNote, {}, name, {}, {}});
  const std::string text = sink.render_all();
  EXPECT_LT(text.size(), 12'000U);
  EXPECT_THAT(text, testing::HasSubstr("n' is not defined\n"));
  EXPECT_THAT(text, testing::EndsWith("and 92 more notes\n"));
}

// C1, a mark that turns the direction, and a byte that is no UTF-8: each is shown as one character.
TEST(Diagnostic, CaretStandsUnderTheRangeAfterCharactersThatAreNotShown) {
  const auto file = file_of("\xc2\x9b\xe2\x80\xae\xe4 x");
  EXPECT_EQ(render({Severity::kError, {file, 1, 8, 1}, "\xc2\x9b", std::nullopt, {}}),
            "mlp.yaml:1:8: error: \xef\xbf\xbd\n\xef\xbf\xbd\xef\xbf\xbd? x\n    ^\n");
}

TEST(Diagnostic, CaretIsAsWideAsWhatItMarks) {
  const auto file = file_of("日 本");
  EXPECT_EQ(render({Severity::kError, {file, 1, 5, 3}, "m", std::nullopt, {}}),
            "mlp.yaml:1:5: error: m\n日 本\n   ^~\n");
}

TEST(DiagnosticSink, SortsByPlaceAndSaysEqualThingsOnce) {
  const auto file = file_of("a\nb\n");
  DiagnosticSink sink;
  sink.error({file, 2, 1, 1}, "second");
  sink.warning({file, 1, 1, 1}, "first");
  sink.error({file, 2, 1, 1}, "second");
  EXPECT_EQ(sink.num_errors(), 2U);  // warnings do not count
  EXPECT_EQ(sink.render_all(),
            "mlp.yaml:1:1: warning: first\na\n^\n"
            "mlp.yaml:2:1: error: second\nb\n^\n");
}

TEST(DiagnosticSink, WindowsLineEndsAreNoPartOfTheLine) {
  const auto file = file_of("a\r\nb\r\n");
  EXPECT_EQ(render({Severity::kError, {file, 2, 1, 1}, "m", std::nullopt, {}}),
            "mlp.yaml:2:1: error: m\nb\n^\n");
}

}  // namespace
}  // namespace graphc
