#include <charconv>
#include <cmath>
#include <utility>

#include "compiler/graph/build_graph.h"
#include "compiler/graph/graph_text.h"
#include "compiler/graph/line_lexer.h"
#include "compiler/graph/tensor_literal.h"
#include "compiler/graph/training_text.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

template <class T>
std::optional<T> parse_whole(const Token& token) {
  if (token.kind != TokenKind::kNumber) return std::nullopt;
  const std::string& text = token.text;
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Reads the definition on one line. Each part reports what it expected and found where it stopped;
/// one error a line, since what follows cannot be told.
class LineParser {
 public:
  LineParser(LineLexer lexer, LiteralBudget& literals, DiagnosticSink& diagnostics)
      : lexer_(std::move(lexer)), literals_(literals), diagnostics_(diagnostics) {}

  bool is_blank() const { return lexer_.peek().kind == TokenKind::kEnd; }

  /// False if the line is wrong.
  bool parse_into(GraphDeclarations& declarations) {
    if (lexer_.peek().kind == TokenKind::kValue) return parse_node(declarations);
    if (lexer_.accept_word("graph")) return parse_name(declarations);
    if (lexer_.accept_word("input")) return parse_input(declarations);
    if (lexer_.accept_word("state")) return parse_state(declarations);
    if (lexer_.accept_word("constant")) return parse_constant(declarations);
    if (lexer_.accept_word("output")) return parse_output(declarations);
    const SourceRange where = lexer_.peek().where;
    if (lexer_.accept_word("train")) return parse_train(where, declarations);
    return fail("`graph`, `input`, `state`, `constant`, `output`, `train` or a node `%name = ...`");
  }

 private:
  bool fail(const std::string& expected) {
    const Token& token = lexer_.peek();
    const std::string found =
        token.kind == TokenKind::kEnd ? "the line ends" : "found '" + token.text + "'";
    diagnostics_.error(token.where, "expected " + expected + ", " + found);
    return false;
  }

  bool fail_at(const SourceRange& where, std::string message) {
    diagnostics_.error(where, std::move(message));
    return false;
  }

  bool end_of_line() { return is_blank() || fail("the end of the line"); }

  bool expect(char symbol) {
    return lexer_.accept_symbol(symbol) || fail("'" + std::string(1, symbol) + "'");
  }

  bool parse_value_name(NameAt& name) {
    if (lexer_.peek().kind != TokenKind::kValue) return fail("a value `%name`");
    Token token = lexer_.take();
    name = {std::move(token.text), std::move(token.where)};
    return true;
  }

  bool parse_word_or_string(NameAt& name, const char* what) {
    const TokenKind kind = lexer_.peek().kind;
    if (kind != TokenKind::kWord && kind != TokenKind::kString) return fail(what);
    Token token = lexer_.take();
    name = {std::move(token.text), std::move(token.where)};
    return true;
  }

  bool parse_device(std::string_view keyword, std::optional<NameAt>& device) {
    if (!lexer_.accept_word(keyword)) return true;
    return parse_word_or_string(device.emplace(), "the name of a device");
  }

  bool parse_name(GraphDeclarations& declarations) {
    if (!declarations.name.text.empty()) {
      return fail_at(lexer_.peek().where, "the graph already has a name");
    }
    return parse_word_or_string(declarations.name, "the graph's name") && end_of_line();
  }

  /// `: f32[100, 64]`
  bool parse_type(std::optional<TensorType>& type) {
    if (!expect(':')) return false;
    if (lexer_.peek().kind != TokenKind::kWord) return fail("a type, for example f32[100, 64]");
    const Token first = lexer_.take();
    if (!lexer_.peek().is_symbol('[')) return fail("'['");
    Token last = lexer_.take();
    while (!last.is_symbol(']')) {
      if (is_blank()) return fail("']'");
      last = lexer_.take();
    }
    const Result<TensorType> parsed = parse_tensor_type(lexer_.between(first, last));
    if (!parsed) {
      SourceRange where = first.where;
      where.length = last.where.column + last.where.length - first.where.column;
      return fail_at(where, parsed.error().message);
    }
    type = *parsed;
    return true;
  }

  bool parse_input(GraphDeclarations& declarations) {
    InputDeclaration input;
    if (!parse_value_name(input.name) || !parse_type(input.type)) return false;
    if (lexer_.accept_word("feed")) {
      if (lexer_.peek().kind != TokenKind::kString) return fail("the path of the feed in quotes");
      if (!parse_word_or_string(input.feed.emplace(), "a path")) return false;
    }
    if (!end_of_line()) return false;
    declarations.inputs.push_back(std::move(input));
    return true;
  }

  bool parse_state(GraphDeclarations& declarations) {
    StateDeclaration state;
    if (!parse_value_name(state.name) || !parse_type(state.type)) return false;
    if (!lexer_.accept_word("init")) return fail("`init`");
    if (!parse_initializer(state) || !parse_device("device", state.device)) return false;
    if (!end_of_line()) return false;
    declarations.states.push_back(std::move(state));
    return true;
  }

  bool parse_initializer(StateDeclaration& state) {
    Initializer& initializer = state.initializer;
    if (starts_literal()) {
      initializer.kind = InitializerKind::kData;
      return parse_literal(*state.type, initializer.data);
    }
    if (lexer_.accept_word("zeros")) return true;
    if (lexer_.accept_word("constant")) {
      initializer.kind = InitializerKind::kConstant;
      return expect('(') && parse_number(initializer.low) && expect(')');
    }
    initializer.stream = state.name.text;
    if (lexer_.accept_word("uniform")) {
      initializer.kind = InitializerKind::kUniform;
    } else if (lexer_.accept_word("he_normal")) {
      initializer.kind = InitializerKind::kHeNormal;
    } else if (lexer_.accept_word("xavier")) {
      initializer.kind = InitializerKind::kXavier;
    } else {
      return fail("zeros, constant, uniform, he_normal, xavier or numbers");
    }
    return parse_initializer_arguments(initializer);
  }

  bool parse_initializer_arguments(Initializer& initializer) {
    if (!expect('(')) return false;
    const bool is_uniform = initializer.kind == InitializerKind::kUniform;
    while (!lexer_.accept_symbol(')')) {
      bool is_read = false;
      if (is_uniform && lexer_.accept_word("low")) {
        is_read = expect('=') && parse_number(initializer.low);
      } else if (is_uniform && lexer_.accept_word("high")) {
        is_read = expect('=') && parse_number(initializer.high);
      } else if (lexer_.accept_word("seed")) {
        is_read = expect('=') && parse_seed(initializer.seed);
      } else if (lexer_.accept_word("stream")) {
        NameAt stream;
        is_read = expect('=') && parse_word_or_string(stream, "the name of a state");
        initializer.stream = stream.text;
      } else {
        return fail(is_uniform ? "low, high, seed or stream" : "seed or stream");
      }
      if (!is_read) return false;
      if (!lexer_.accept_symbol(',') && !lexer_.peek().is_symbol(')')) return fail("',' or ')'");
    }
    return true;
  }

  bool parse_number(double& number) {
    const std::optional<double> value = parse_whole<double>(lexer_.peek());
    if (!value || !std::isfinite(*value)) return fail("a finite number");
    number = *value;
    lexer_.take();
    return true;
  }

  bool parse_seed(uint64_t& seed) {
    const std::optional<uint64_t> value = parse_whole<uint64_t>(lexer_.peek());
    if (!value) return fail("a non-negative integer");
    seed = *value;
    lexer_.take();
    return true;
  }

  bool parse_constant(GraphDeclarations& declarations) {
    ConstantDeclaration constant;
    if (!parse_value_name(constant.name) || !parse_type(constant.type)) return false;
    constant.initializer.kind = InitializerKind::kData;
    if (!expect('=') || !parse_literal(*constant.type, constant.initializer.data)) return false;
    if (!end_of_line()) return false;
    declarations.constants.push_back(std::move(constant));
    return true;
  }

  bool starts_literal() const {
    const Token& token = lexer_.peek();
    return token.kind == TokenKind::kNumber || token.is_symbol('[') || token.is_word("nan") ||
           token.is_word("inf");
  }

  bool parse_literal(const TensorType& type, std::vector<std::byte>& bytes) {
    if (const std::optional<std::string> excess = literals_.take(type)) {
      return fail_at(lexer_.peek().where, "a tensor of " + *excess);
    }
    if (!lexer_.peek().is_symbol('[')) {
      if (!parse_element(type.element, bytes)) return false;
      bytes = repeated(bytes, type);
      return true;
    }
    return parse_nested(type, 0, bytes);
  }

  bool parse_nested(const TensorType& type, size_t dimension, std::vector<std::byte>& bytes) {
    if (dimension == type.shape.size()) return parse_element(type.element, bytes);
    if (!expect('[')) return false;
    for (int64_t i = 0; i < type.shape[dimension]; ++i) {
      const bool is_separated = i == 0 || lexer_.accept_symbol(',');
      if (!is_separated) {
        return fail(std::to_string(type.shape[dimension]) + " elements in dimension " +
                    std::to_string(dimension) + " of " + to_string(type));
      }
      if (!parse_nested(type, dimension + 1, bytes)) return false;
    }
    return expect(']');
  }

  bool parse_element(ElementType element, std::vector<std::byte>& bytes) {
    const Token token = lexer_.peek();
    std::string text = token.text;
    const bool is_number =
        token.kind == TokenKind::kNumber || token.is_word("nan") || token.is_word("inf");
    if (!is_number) return fail("a number");
    lexer_.take();
    if (text == "nan" && lexer_.accept_symbol('(')) {
      text += "(" + lexer_.take().text + ")";
      if (!expect(')')) return false;
    }
    const std::optional<std::string> problem = append_element(text, element, bytes);
    return !problem || fail_at(token.where, *problem);
  }

  bool parse_node(GraphDeclarations& declarations) {
    NodeDeclaration node;
    if (!parse_value_name(node.name) || !expect('=')) return false;
    if (lexer_.peek().kind != TokenKind::kWord) return fail("the name of an operator");
    Token op = lexer_.take();
    node.op = NameAt{std::move(op.text), std::move(op.where)};
    if (!parse_operands(node) || !parse_attributes(node)) return false;
    if (lexer_.peek().is_symbol(':') && !parse_type(node.type)) return false;
    if (!parse_device("device", node.device)) return false;
    node.keep = lexer_.accept_word("keep");
    if (lexer_.accept_word("updates") && !parse_value_name(node.updates.emplace())) return false;
    if (!end_of_line()) return false;
    declarations.nodes.push_back(std::move(node));
    return true;
  }

  bool parse_operands(NodeDeclaration& node) {
    std::vector<NameAt>& inputs = node.inputs.emplace();
    if (!expect('(')) return false;
    while (!lexer_.accept_symbol(')')) {
      if (!inputs.empty() && !expect(',')) return false;
      if (!parse_value_name(inputs.emplace_back())) return false;
    }
    return true;
  }

  bool parse_attributes(NodeDeclaration& node) {
    if (!lexer_.accept_symbol('{')) return true;
    while (!lexer_.accept_symbol('}')) {
      if (!node.attributes.empty() && !expect(',')) return false;
      AttributeDeclaration& attribute = node.attributes.emplace_back();
      if (lexer_.peek().kind != TokenKind::kWord) return fail("the name of an attribute");
      Token name = lexer_.take();
      attribute.name = {std::move(name.text), std::move(name.where)};
      if (!expect('=')) return false;
      attribute.value_where = lexer_.peek().where;
      if (!parse_attribute_value(attribute.value)) return false;
    }
    return true;
  }

  bool parse_attribute_value(std::optional<AttributeValue>& value) {
    if (lexer_.accept_word("true")) {
      value = true;
    } else if (lexer_.accept_word("false")) {
      value = false;
    } else if (lexer_.accept_symbol('[')) {
      return parse_integers(value);
    } else if (const auto integer = parse_whole<int64_t>(lexer_.peek())) {
      value = *integer;
      lexer_.take();
    } else {
      double number = 0;
      if (!parse_number(number)) return false;
      value = number;
    }
    return true;
  }

  bool parse_integers(std::optional<AttributeValue>& value) {
    std::vector<int64_t> integers;
    while (!lexer_.accept_symbol(']')) {
      if (!integers.empty() && !expect(',')) return false;
      const auto integer = parse_whole<int64_t>(lexer_.peek());
      if (!integer) return fail("an integer");
      integers.push_back(*integer);
      lexer_.take();
    }
    value = std::move(integers);
    return true;
  }

  bool parse_output(GraphDeclarations& declarations) {
    OutputDeclaration output;
    if (!parse_value_name(output.value) || !parse_device("on", output.device)) return false;
    if (!end_of_line()) return false;
    declarations.outputs.push_back(std::move(output));
    return true;
  }

  bool parse_train(const SourceRange& where, GraphDeclarations& declarations) {
    if (declarations.training) return fail_at(where, "the graph already says how to train");
    declarations.training = parse_training(lexer_, where, diagnostics_);
    return declarations.training.has_value();
  }

  LineLexer lexer_;
  LiteralBudget& literals_;
  DiagnosticSink& diagnostics_;
};

}  // namespace

Result<GraphDeclarations> parse_graph_declarations(std::shared_ptr<const SourceFile> file,
                                                   DiagnosticSink& diagnostics) {
  GraphDeclarations declarations;
  declarations.name.where = {file, 1, 1, 1};
  int line = 0;
  bool is_well_formed = true;
  LiteralBudget literals;
  for (const std::string_view text : split(file->text, '\n')) {
    LineParser parser(LineLexer(file, ++line, text), literals, diagnostics);
    if (!parser.is_blank()) is_well_formed = parser.parse_into(declarations) && is_well_formed;
  }
  if (is_well_formed && declarations.name.text.empty()) {
    diagnostics.error(declarations.name.where, "the graph has no name",
                      "start with a line `graph NAME`");
    is_well_formed = false;
  }
  if (!is_well_formed) return reported();
  return declarations;
}

Result<Graph> parse_graph(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics) {
  TRY(GraphDeclarations declarations, parse_graph_declarations(std::move(file), diagnostics));
  return build_graph(std::move(declarations), diagnostics);
}

}  // namespace graphc
