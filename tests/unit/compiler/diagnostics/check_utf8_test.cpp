#include "compiler/diagnostics/check_utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graphc {
namespace {

std::string reported_for(std::string text) {
  DiagnosticSink sink;
  const auto file = std::make_shared<const SourceFile>(SourceFile{"g.yaml", std::move(text)});
  const bool is_utf8 = check_utf8(file, sink);
  EXPECT_EQ(is_utf8, sink.num_errors() == 0);
  return sink.render_all();
}

TEST(CheckUtf8, PointsAtTheFirstByteThatIsNone) {
  EXPECT_EQ(reported_for("graph: gr\xc3\xbc\xc3\x9f\n"), "");
  EXPECT_EQ(reported_for(""), "");
  EXPECT_THAT(reported_for("\xe4"), testing::StartsWith("g.yaml:1:1: error: this is not UTF-8: "
                                                        "the byte 0xe4 belongs to no character\n"));
  EXPECT_THAT(reported_for("a\nb: \xc3\xbc\xe4\n\xe4"), testing::StartsWith("g.yaml:2:6: error"));
}

}  // namespace
}  // namespace graphc
