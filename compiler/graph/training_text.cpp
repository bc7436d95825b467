#include "compiler/graph/training_text.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "runtime/base/text.h"

namespace graphc {
namespace {

template <class Owner>
std::string print_setting(const Setting<Owner>& setting, const Owner& owner) {
  const double value =
      std::visit([&](auto member) { return static_cast<double>(owner.*member); }, setting.member);
  return std::string(setting.name) + "=" + format_number(value);
}

std::string print_learning_rate(const LearningRate& rate) {
  if (rate.is_constant()) return format_number(rate.base);
  const ScheduleChoice& choice = all_schedules()[static_cast<size_t>(rate.schedule)];
  std::vector<std::string> parts;
  for (const auto& setting : choice.settings) parts.push_back(print_setting(setting, rate));
  return std::string(choice.name) + "(" + join(parts, ", ") + ")";
}

/// Reads one line; each part reports what it expected and found where it stopped.
class TrainingParser {
 public:
  TrainingParser(LineLexer& lexer, DiagnosticSink& diagnostics)
      : lexer_(lexer), diagnostics_(diagnostics) {}

  bool parse(TrainingDeclaration& training) {
    if (!parse_value_name(training.loss.emplace())) return false;
    if (!parse_word(training.optimizer.emplace(), "the name of an optimizer")) return false;
    if (!parse_arguments(training)) return false;
    if (lexer_.accept_word("of") && !parse_parameters(training.parameters.emplace())) return false;
    return lexer_.peek().kind == TokenKind::kEnd || fail("the end of the line");
  }

 private:
  bool fail(const std::string& expected) {
    const Token& token = lexer_.peek();
    const std::string found =
        token.kind == TokenKind::kEnd ? "the line ends" : "found '" + token.text + "'";
    diagnostics_.error(token.where, "expected " + expected + ", " + found);
    return false;
  }

  bool expect(char symbol) {
    return lexer_.accept_symbol(symbol) || fail("'" + std::string(1, symbol) + "'");
  }

  bool parse_value_name(NameAt& name) {
    if (lexer_.peek().kind != TokenKind::kValue) return fail("a value `%name`");
    Token token = lexer_.take();
    name = {std::move(token.text), std::move(token.where)};
    return true;
  }

  bool parse_word(NameAt& name, const char* what) {
    if (lexer_.peek().kind != TokenKind::kWord) return fail(what);
    Token token = lexer_.take();
    name = {std::move(token.text), std::move(token.where)};
    return true;
  }

  bool parse_number(SettingDeclaration& setting) {
    const Token token = lexer_.peek();
    double number = 0;
    const char* end = token.text.data() + token.text.size();
    const auto [stop, code] = std::from_chars(token.text.data(), end, number);
    const bool is_number = token.kind == TokenKind::kNumber && code == std::errc() && stop == end &&
                           std::isfinite(number);
    if (!is_number) return fail("a finite number");
    setting.value = number;
    setting.value_where = token.where;
    lexer_.take();
    return true;
  }

  bool parse_arguments(TrainingDeclaration& training) {
    if (!expect('(')) return false;
    while (!lexer_.accept_symbol(')')) {
      SettingDeclaration setting;
      if (!parse_word(setting.name, "a setting or ')'") || !expect('=')) return false;
      if (setting.name.text == "learning_rate") {
        if (!parse_learning_rate(training.learning_rate.emplace())) return false;
      } else {
        if (!parse_number(setting)) return false;
        training.settings.push_back(std::move(setting));
      }
      if (!lexer_.accept_symbol(',') && !lexer_.peek().is_symbol(')')) return fail("',' or ')'");
    }
    return training.learning_rate || fail("`learning_rate` among the settings before");
  }

  bool parse_learning_rate(LearningRateDeclaration& rate) {
    rate.where = lexer_.peek().where;
    if (lexer_.peek().kind != TokenKind::kWord) {
      rate.number.emplace().name = {"learning_rate", rate.where};
      return parse_number(*rate.number);
    }
    if (!parse_word(rate.schedule.emplace(), "a schedule") || !expect('(')) return false;
    while (!lexer_.accept_symbol(')')) {
      SettingDeclaration setting;
      if (!parse_word(setting.name, "a setting or ')'") || !expect('=')) return false;
      if (!parse_number(setting)) return false;
      rate.settings.push_back(std::move(setting));
      if (!lexer_.accept_symbol(',') && !lexer_.peek().is_symbol(')')) return fail("',' or ')'");
    }
    return true;
  }

  bool parse_parameters(std::vector<NameAt>& names) {
    do {
      if (!parse_value_name(names.emplace_back())) return false;
    } while (lexer_.accept_symbol(','));
    return true;
  }

  LineLexer& lexer_;
  DiagnosticSink& diagnostics_;
};

}  // namespace

std::string print_training(const Graph& graph) {
  const Training& training = *graph.training;
  const OptimizerChoice& choice = all_optimizers()[static_cast<size_t>(training.optimizer)];
  std::vector<std::string> parts = {"learning_rate=" + print_learning_rate(training.learning_rate)};
  for (const auto& setting : choice.settings) parts.push_back(print_setting(setting, training));
  if (training.clip_norm) parts.push_back("clip_norm=" + format_number(*training.clip_norm));
  std::string text = "train %" + graph.values[training.loss].name + " " + std::string(choice.name) +
                     "(" + join(parts, ", ") + ")";
  if (!training.parameters) return text + "\n";
  std::vector<std::string> names;
  for (const ListedParameter& parameter : *training.parameters) {
    names.push_back("%" + graph.values[parameter.state].name);
  }
  return text + " of " + join(names, ", ") + "\n";
}

std::optional<TrainingDeclaration> parse_training(LineLexer& lexer, const SourceRange& where,
                                                  DiagnosticSink& diagnostics) {
  TrainingDeclaration training;
  training.where = where;
  if (!TrainingParser(lexer, diagnostics).parse(training)) return std::nullopt;
  return training;
}

}  // namespace graphc
