#include "compiler/frontend/line_lexer.h"

#include <utility>

#include "runtime/base/text.h"

namespace graphc {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_word_character(char c) { return is_letter(c) || is_digit(c) || c == '.'; }

}  // namespace

Token LineLexer::take() {
  Token token = std::move(token_);
  advance();
  return token;
}

bool LineLexer::accept_symbol(char c) {
  if (!token_.is_symbol(c)) return false;
  advance();
  return true;
}

bool LineLexer::accept_word(std::string_view word) {
  if (!token_.is_word(word)) return false;
  advance();
  return true;
}

std::string_view LineLexer::between(const Token& first, const Token& last) const {
  const auto begin = static_cast<size_t>(first.where.column - 1);
  const auto end = static_cast<size_t>(last.where.column - 1 + last.where.length);
  return text_.substr(begin, end - begin);
}

size_t LineLexer::word_end(size_t begin) const {
  while (begin < text_.size() && is_word_character(text_[begin])) ++begin;
  return begin;
}

// Takes more than a number may be, `1.5.2`: reading it then fails as a whole, at its place.
size_t LineLexer::number_end(size_t begin) const {
  size_t end = begin + 1;
  while (end < text_.size()) {
    const bool is_sign = text_[end] == '-' || text_[end] == '+';
    const bool follows_exponent = text_[end - 1] == 'e' || text_[end - 1] == 'E';
    if (!is_word_character(text_[end]) && !(is_sign && follows_exponent)) break;
    ++end;
  }
  return end;
}

void LineLexer::lex_string() {
  const size_t begin = at_++;
  token_.kind = TokenKind::kString;
  while (at_ < text_.size() && text_[at_] != '"') {
    const bool is_escaped = text_[at_] == '\\' && at_ + 1 < text_.size();
    if (is_escaped) ++at_;
    token_.text += is_escaped && text_[at_] == 'n' ? '\n' : text_[at_];
    ++at_;
  }
  if (at_ < text_.size()) {
    ++at_;
  } else {
    token_.kind = TokenKind::kSymbol;  // a quote that is never closed fits nowhere
    token_.text = "\"";
  }
  token_.where.length = static_cast<int>(at_ - begin);
}

void LineLexer::advance() {
  while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  const size_t begin = at_;
  token_ = {TokenKind::kEnd, "", {file_, line_, static_cast<int>(begin) + 1, 1}};
  if (at_ == text_.size() || text_[at_] == '#') return;
  const char first = text_[at_];
  const char second = at_ + 1 < text_.size() ? text_[at_ + 1] : ' ';
  if (first == '"') return lex_string();
  if (is_letter(first)) {
    token_.kind = TokenKind::kWord;
    at_ = word_end(begin);
  } else if (first == '%' && is_letter(second)) {
    token_.kind = TokenKind::kValue;
    at_ = word_end(begin + 1);
  } else if (is_digit(first) || (first == '-' && is_word_character(second))) {
    token_.kind = TokenKind::kNumber;
    at_ = number_end(begin);
  } else {
    token_.kind = TokenKind::kSymbol;
    at_ = begin + first_character_bytes(text_.substr(begin));
  }
  token_.text = std::string(text_.substr(begin, at_ - begin));
  if (token_.kind == TokenKind::kValue) token_.text.erase(0, 1);
  token_.where.length = static_cast<int>(at_ - begin);
}

}  // namespace graphc
