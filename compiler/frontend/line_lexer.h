#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"

namespace graphc {

enum class TokenKind {
  kWord,    ///< a name or keyword: letters, digits, '_' and '.', not starting with a digit
  kValue,   ///< `%name`; text is the name
  kNumber,  ///< as written, not yet read
  kString,  ///< "..." with \", \\ and \n; text is what it stands for
  kSymbol,  ///< one character
  kEnd,     ///< end of the line
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  SourceRange where;

  bool is_symbol(char c) const { return kind == TokenKind::kSymbol && text[0] == c; }
  bool is_word(std::string_view word) const { return kind == TokenKind::kWord && text == word; }
};

/// Cuts one line of a text form into tokens; a `#` outside a string ends it.
class LineLexer {
 public:
  LineLexer(std::shared_ptr<const SourceFile> file, int line, std::string_view text)
      : file_(std::move(file)), line_(line), text_(text) {
    advance();
  }

  const Token& peek() const { return token_; }
  Token take();
  /// Takes the token if it is this symbol or word.
  bool accept_symbol(char c);
  bool accept_word(std::string_view word);

  /// What was written between two tokens of this line, both included.
  std::string_view between(const Token& first, const Token& last) const;

 private:
  void advance();
  void lex_string();
  size_t word_end(size_t begin) const;
  size_t number_end(size_t begin) const;

  std::shared_ptr<const SourceFile> file_;
  int line_;
  std::string_view text_;
  size_t at_ = 0;
  Token token_;
};

}  // namespace graphc
