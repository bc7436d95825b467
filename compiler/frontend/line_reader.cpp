#include "compiler/frontend/line_reader.h"

#include <cmath>
#include <utility>

namespace graphc {

bool LineReader::fail(const std::string& expected) {
  const std::string found = is_at_end() ? "the line ends" : "found '" + peek().text + "'";
  return fail_at(peek().where, "expected " + expected + ", " + found);
}

bool LineReader::fail_at(const SourceRange& where, std::string message) {
  diagnostics_.error(where, std::move(message));
  return false;
}

bool LineReader::expect(char symbol) {
  return accept_symbol(symbol) || fail("'" + std::string(1, symbol) + "'");
}

bool LineReader::read_value_name(NameAt& name) {
  if (peek().kind != TokenKind::kValue) return fail("a value `%name`");
  return read_name(name);
}

bool LineReader::read_word(NameAt& name, const char* what) {
  if (peek().kind != TokenKind::kWord) return fail(what);
  return read_name(name);
}

bool LineReader::read_word_or_string(NameAt& name, const char* what) {
  if (peek().kind == TokenKind::kString) return read_name(name);
  return read_word(name, what);
}

bool LineReader::read_number(double& number) {
  const std::optional<double> value = parse_whole<double>(peek());
  if (!value || !std::isfinite(*value)) return fail("a finite number");
  number = *value;
  take();
  return true;
}

bool LineReader::read_name(NameAt& name) {
  Token token = take();
  name = {std::move(token.text), std::move(token.where)};
  return true;
}

}  // namespace graphc
