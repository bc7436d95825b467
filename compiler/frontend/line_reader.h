#pragma once

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/line_lexer.h"
#include "compiler/vocabulary.h"
#include "runtime/base/text.h"

namespace graphc {

/// The number that the token is, all of it; 010 is none, since some read it as octal.
template <class Number>
std::optional<Number> parse_whole(const Token& token) {
  Number value{};
  const char* end = token.text.data() + token.text.size();
  const auto [stop, code] = std::from_chars(token.text.data(), end, value);
  if (has_leading_zero(token.text)) return std::nullopt;
  if (token.kind != TokenKind::kNumber || code != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// Takes the parts of one line. Each says whether it stood there, and if not reports what was
/// expected and found: one error a line, since what follows cannot be told.
class LineReader : public LineLexer {
 public:
  LineReader(std::shared_ptr<const SourceFile> file, int line, std::string_view text,
             DiagnosticSink& diagnostics)
      : LineLexer(std::move(file), line, text), diagnostics_(diagnostics) {}

  bool is_at_end() const { return peek().kind == TokenKind::kEnd; }

  /// Reports that something else was expected here, or what is wrong elsewhere. Always false.
  bool fail(const std::string& expected);
  bool fail_at(const SourceRange& where, std::string message);

  bool end_of_line() { return is_at_end() || fail("the end of the line"); }
  bool expect(char symbol);
  bool read_value_name(NameAt& name);
  bool read_word(NameAt& name, const char* what);
  bool read_word_or_string(NameAt& name, const char* what);
  bool read_number(double& number);

 private:
  bool read_name(NameAt& name);

  DiagnosticSink& diagnostics_;
};

}  // namespace graphc
