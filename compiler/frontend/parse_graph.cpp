#include "compiler/frontend/parse_graph.h"

#include <utility>

#include "compiler/diagnostics/check_utf8.h"
#include "compiler/frontend/build_graph.h"
#include "compiler/frontend/initial_number.h"
#include "compiler/frontend/line_reader.h"
#include "compiler/frontend/parse_parallel.h"
#include "compiler/frontend/parse_training.h"
#include "compiler/frontend/tensor_literal.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Reads the definition on one line.
class LineParser {
 public:
  LineParser(LineReader line, LiteralBudget& literals)
      : line_(std::move(line)), literals_(literals) {}

  bool is_blank() const { return line_.is_at_end(); }

  /// False if the line is wrong.
  bool parse_into(GraphDeclarations& declarations) {
    if (line_.peek().kind == TokenKind::kValue) return parse_node(declarations);
    if (line_.accept_word("graph")) return parse_name(declarations);
    if (line_.accept_word("input")) return parse_input(declarations);
    if (line_.accept_word("state")) return parse_state(declarations);
    if (line_.accept_word("constant")) return parse_constant(declarations);
    if (line_.accept_word("output")) return parse_output(declarations);
    const SourceRange where = line_.peek().where;
    if (line_.accept_word("train")) return parse_train(where, declarations);
    if (line_.accept_word("parallel")) return parse_parallel(where, declarations);
    return line_.fail(
        "`graph`, `input`, `state`, `constant`, `output`, `train`, `parallel` or a node "
        "`%name = ...`");
  }

 private:
  bool check_plain(const NameAt& name, const std::string& what) {
    if (is_plain_text(name.text)) return true;
    return line_.fail_at(name.where, what + " must be one line of text without control characters");
  }

  bool parse_device(std::string_view keyword, std::optional<NameAt>& device) {
    if (!line_.accept_word(keyword)) return true;
    return line_.read_word_or_string(device.emplace(), "the name of a device");
  }

  bool parse_more_devices(NodeDeclaration& node) {
    while (node.device && line_.accept_symbol(',')) {
      const bool is_read =
          line_.read_word_or_string(node.also_on.emplace_back(), "the name of a device");
      if (!is_read) return false;
    }
    return true;
  }

  bool parse_name(GraphDeclarations& declarations) {
    if (!declarations.name.text.empty()) {
      return line_.fail_at(line_.peek().where, "the graph already has a name");
    }
    return line_.read_word_or_string(declarations.name, "the graph's name") && line_.end_of_line();
  }

  /// `: f32[100, 64]`
  bool parse_type(std::optional<TensorType>& type) {
    return line_.expect(':') && parse_named_type(type);
  }

  bool parse_named_type(std::optional<TensorType>& type) {
    if (line_.peek().kind != TokenKind::kWord)
      return line_.fail("a type, for example f32[100, 64]");
    const Token first = line_.take();
    if (!line_.peek().is_symbol('[')) return line_.fail("'['");
    Token last = line_.take();
    while (!last.is_symbol(']')) {
      if (is_blank()) return line_.fail("']'");
      last = line_.take();
    }
    const Result<TensorType> parsed = parse_tensor_type(line_.between(first, last));
    if (!parsed) {
      SourceRange where = first.where;
      where.length = last.where.column + last.where.length - first.where.column;
      return line_.fail_at(where, parsed.error().message);
    }
    type = *parsed;
    return true;
  }

  bool parse_input(GraphDeclarations& declarations) {
    InputDeclaration input;
    if (!line_.read_value_name(input.name) || !parse_type(input.type)) return false;
    if (line_.accept_word("feed")) {
      if (line_.peek().kind != TokenKind::kString)
        return line_.fail("the path of the feed in quotes");
      if (!line_.read_word_or_string(input.feed.emplace(), "a path")) return false;
    }
    if (!line_.end_of_line()) return false;
    declarations.inputs.push_back(std::move(input));
    return true;
  }

  bool parse_state(GraphDeclarations& declarations) {
    StateDeclaration state;
    if (!line_.read_value_name(state.name) || !parse_type(state.type)) return false;
    if (!line_.accept_word("init")) return line_.fail("`init`");
    if (!parse_initializer(state) || !parse_device("device", state.device)) return false;
    if (!line_.end_of_line()) return false;
    declarations.states.push_back(std::move(state));
    return true;
  }

  bool parse_initializer(StateDeclaration& state) {
    Initializer& initializer = state.initializer;
    if (starts_literal()) {
      initializer.kind = InitializerKind::kData;
      return parse_literal(*state.type, initializer.data);
    }
    if (line_.accept_word("zeros")) return true;
    if (line_.accept_word("constant")) {
      initializer.kind = InitializerKind::kConstant;
      return line_.expect('(') && parse_initial_constant(*state.type, initializer.low) &&
             line_.expect(')');
    }
    initializer.stream = state.name.text;
    if (line_.accept_word("uniform")) {
      initializer.kind = InitializerKind::kUniform;
    } else if (line_.accept_word("he_normal")) {
      initializer.kind = InitializerKind::kHeNormal;
    } else if (line_.accept_word("xavier")) {
      initializer.kind = InitializerKind::kXavier;
    } else {
      return line_.fail("zeros, constant, uniform, he_normal, xavier or numbers");
    }
    return parse_initializer_arguments(initializer);
  }

  bool parse_initial_constant(const TensorType& type, double& number) {
    const Token token = line_.peek();
    if (!line_.read_number(number)) return false;
    const auto problem = find_bad_constant(number, token.text, type.element);
    return !problem || line_.fail_at(token.where, *problem);
  }

  bool parse_end(double& number) {
    const Token token = line_.peek();
    if (!line_.read_number(number)) return false;
    const auto problem = find_bad_end(number, token.text);
    return !problem || line_.fail_at(token.where, *problem);
  }

  bool parse_initializer_arguments(Initializer& initializer) {
    const SourceRange where = line_.peek().where;
    if (!line_.expect('(')) return false;
    const bool is_uniform = initializer.kind == InitializerKind::kUniform;
    while (!line_.accept_symbol(')')) {
      bool is_read = false;
      if (is_uniform && line_.accept_word("low")) {
        is_read = line_.expect('=') && parse_end(initializer.low);
      } else if (is_uniform && line_.accept_word("high")) {
        is_read = line_.expect('=') && parse_end(initializer.high);
      } else if (line_.accept_word("seed")) {
        is_read = line_.expect('=') && parse_seed(initializer.seed);
      } else if (line_.accept_word("stream")) {
        NameAt stream;
        is_read = line_.expect('=') && line_.read_word_or_string(stream, "the name of a state");
        is_read = is_read && check_plain(stream, "the name of a state");
        initializer.stream = stream.text;
      } else {
        return line_.fail(is_uniform ? "low, high, seed or stream" : "seed or stream");
      }
      if (!is_read) return false;
      if (!line_.accept_symbol(',') && !line_.peek().is_symbol(')'))
        return line_.fail("',' or ')'");
    }
    if (!is_uniform) return true;
    const auto problem = find_bad_ends(initializer.low, initializer.high);
    return !problem || line_.fail_at(where, *problem);
  }

  bool parse_seed(uint64_t& seed) {
    const std::optional<uint64_t> value = parse_whole<uint64_t>(line_.peek());
    if (!value) return line_.fail("a non-negative integer");
    seed = *value;
    line_.take();
    return true;
  }

  bool parse_constant(GraphDeclarations& declarations) {
    ConstantDeclaration constant;
    if (!line_.read_value_name(constant.name) || !parse_type(constant.type)) return false;
    constant.initializer.kind = InitializerKind::kData;
    if (!line_.expect('=') || !parse_literal(*constant.type, constant.initializer.data))
      return false;
    if (!line_.end_of_line()) return false;
    declarations.constants.push_back(std::move(constant));
    return true;
  }

  bool starts_literal() const {
    const Token& token = line_.peek();
    return token.kind == TokenKind::kNumber || token.is_symbol('[') || token.is_word("nan") ||
           token.is_word("inf");
  }

  bool parse_literal(const TensorType& type, SharedBytes& data) {
    std::vector<std::byte> bytes;
    if (!parse_literal(type, bytes)) return false;
    data = std::move(bytes);
    return true;
  }

  bool parse_literal(const TensorType& type, std::vector<std::byte>& bytes) {
    if (const std::optional<std::string> excess = literals_.take(type)) {
      return line_.fail_at(line_.peek().where, "a tensor of " + *excess);
    }
    if (!line_.peek().is_symbol('[')) {
      if (!parse_element(type.element, bytes)) return false;
      bytes = repeated(bytes, type);
      return true;
    }
    return parse_nested(type, 0, bytes);
  }

  bool parse_nested(const TensorType& type, size_t dimension, std::vector<std::byte>& bytes) {
    if (dimension == type.shape.size()) return parse_element(type.element, bytes);
    if (!line_.expect('[')) return false;
    for (int64_t i = 0; i < type.shape[dimension]; ++i) {
      const bool is_separated = i == 0 || line_.accept_symbol(',');
      if (!is_separated) {
        return line_.fail(std::to_string(type.shape[dimension]) + " elements in dimension " +
                          std::to_string(dimension) + " of " + to_string(type));
      }
      if (!parse_nested(type, dimension + 1, bytes)) return false;
    }
    return line_.expect(']');
  }

  bool parse_element(ElementType element, std::vector<std::byte>& bytes) {
    const Token token = line_.peek();
    std::string text = token.text;
    const bool is_number =
        token.kind == TokenKind::kNumber || token.is_word("nan") || token.is_word("inf");
    if (!is_number) return line_.fail("a number");
    line_.take();
    if (text == "nan" && line_.accept_symbol('(')) {
      text += "(" + line_.take().text + ")";
      if (!line_.expect(')')) return false;
    }
    const std::optional<std::string> problem = append_element(text, element, bytes);
    return !problem || line_.fail_at(token.where, *problem);
  }

  bool parse_node(GraphDeclarations& declarations) {
    NodeDeclaration node;
    if (!line_.read_value_name(node.name)) return false;
    while (line_.accept_symbol(',')) {
      if (!line_.read_value_name(node.more_results.emplace_back())) return false;
    }
    if (!line_.expect('=')) return false;
    if (line_.peek().kind != TokenKind::kWord) return line_.fail("the name of an operator");
    Token op = line_.take();
    node.op = NameAt{std::move(op.text), std::move(op.where)};
    if (!parse_operands(node) || !parse_attributes(node)) return false;
    if (line_.peek().is_symbol(':') && !parse_types(node)) return false;
    if (!parse_device("device", node.device) || !parse_more_devices(node)) return false;
    node.keep = line_.accept_word("keep");
    if (line_.accept_word("precision") &&
        !line_.read_word(node.precision.emplace(), "a type of floats")) {
      return false;
    }
    if (!parse_updates(node)) return false;
    if (!line_.end_of_line()) return false;
    declarations.nodes.push_back(std::move(node));
    return true;
  }

  /// Of the first result, or of each.
  bool parse_updates(NodeDeclaration& node) {
    if (!line_.accept_word("updates")) return true;
    if (!line_.read_value_name(node.updates.emplace())) return false;
    if (!line_.peek().is_symbol(',')) return true;
    for (size_t i = 0; i < node.more_results.size(); ++i) {
      if (!line_.expect(',') || !line_.read_value_name(node.more_updates.emplace_back())) {
        return false;
      }
    }
    return true;
  }

  bool parse_types(NodeDeclaration& node) {
    if (!parse_type(node.type)) return false;
    for (size_t i = 0; i < node.more_results.size(); ++i) {
      std::optional<TensorType> type;
      if (!line_.expect(',') || !parse_named_type(type)) return false;
      node.more_types.push_back(*std::move(type));
    }
    return true;
  }

  bool parse_operands(NodeDeclaration& node) {
    std::vector<NameAt>& inputs = node.inputs.emplace();
    if (!line_.expect('(')) return false;
    while (!line_.accept_symbol(')')) {
      if (!inputs.empty() && !line_.expect(',')) return false;
      if (!line_.read_value_name(inputs.emplace_back())) return false;
    }
    return true;
  }

  bool parse_attributes(NodeDeclaration& node) {
    if (!line_.accept_symbol('{')) return true;
    while (!line_.accept_symbol('}')) {
      if (!node.attributes.empty() && !line_.expect(',')) return false;
      AttributeDeclaration& attribute = node.attributes.emplace_back();
      if (line_.peek().kind != TokenKind::kWord) return line_.fail("the name of an attribute");
      Token name = line_.take();
      attribute.name = {std::move(name.text), std::move(name.where)};
      if (!line_.expect('=')) return false;
      attribute.value_where = line_.peek().where;
      if (line_.peek().kind == TokenKind::kNumber) attribute.written = line_.peek().text;
      if (!parse_attribute_value(attribute.value)) return false;
    }
    return true;
  }

  bool parse_attribute_value(std::optional<AttributeValue>& value) {
    if (line_.accept_word("true")) {
      value = true;
    } else if (line_.accept_word("false")) {
      value = false;
    } else if (line_.accept_symbol('[')) {
      return parse_integers(value);
    } else if (line_.peek().kind == TokenKind::kString) {
      value = line_.take().text;
    } else if (const auto integer = parse_whole<int64_t>(line_.peek())) {
      value = *integer;
      line_.take();
    } else {
      double number = 0;
      if (!line_.read_number(number)) return false;
      value = number;
    }
    return true;
  }

  bool parse_integers(std::optional<AttributeValue>& value) {
    std::vector<int64_t> integers;
    while (!line_.accept_symbol(']')) {
      if (!integers.empty() && !line_.expect(',')) return false;
      const auto integer = parse_whole<int64_t>(line_.peek());
      if (!integer) return line_.fail("an integer");
      integers.push_back(*integer);
      line_.take();
    }
    value = std::move(integers);
    return true;
  }

  bool parse_output(GraphDeclarations& declarations) {
    OutputDeclaration output;
    if (!line_.read_value_name(output.value) || !parse_device("on", output.device)) return false;
    if (!line_.end_of_line()) return false;
    declarations.outputs.push_back(std::move(output));
    return true;
  }

  bool parse_train(const SourceRange& where, GraphDeclarations& declarations) {
    if (declarations.training) return line_.fail_at(where, "the graph already says how to train");
    declarations.training = parse_training(line_, where);
    return declarations.training.has_value();
  }

  bool parse_parallel(const SourceRange& where, GraphDeclarations& declarations) {
    if (declarations.parallel) {
      return line_.fail_at(where, "the graph already says how it is spread over devices");
    }
    declarations.parallel = graphc::parse_parallel(line_, where);
    return declarations.parallel.has_value();
  }

  LineReader line_;
  LiteralBudget& literals_;
};

}  // namespace

Result<GraphDeclarations> parse_graph_declarations(std::shared_ptr<const SourceFile> file,
                                                   DiagnosticSink& diagnostics) {
  if (!check_utf8(file, diagnostics)) return reported();
  GraphDeclarations declarations;
  declarations.name.where = {file, 1, 1, 1};
  int line = 0;
  bool is_well_formed = true;
  LiteralBudget literals;
  for (const std::string_view text : split(file->text, '\n')) {
    LineParser parser(LineReader(file, ++line, text, diagnostics), literals);
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

Result<GraphRequest> parse_graph(std::shared_ptr<const SourceFile> file,
                                 DiagnosticSink& diagnostics) {
  TRY(GraphDeclarations declarations, parse_graph_declarations(std::move(file), diagnostics));
  return build_graph(std::move(declarations), diagnostics);
}

}  // namespace graphc
