#include "runtime/op/expression.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

bool is_part_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, std::span<const std::string_view> variables,
                   std::span<const NamedNumber> numbers)
      : text_(text), variables_(variables), numbers_(numbers) {}

  Expression parse() {
    parse_value();
    check(at_ == text_.size(), "ends");
    return std::move(expression_);
  }

 private:
  /// The step of the value that comes next.
  size_t parse_value() {
    const std::string_view word = parse_word();
    if (const std::optional<ElementFunction> function = find_element_function(word)) {
      return parse_call(*function);
    }
    const auto variable = std::find(variables_.begin(), variables_.end(), word);
    ExpressionStep step;
    if (variable != variables_.end()) {
      step.variable = static_cast<size_t>(variable - variables_.begin());
    } else {
      step.kind = ExpressionStep::Kind::kNumber;
      step.number = number_of(word);
    }
    return add(step);
  }

  size_t parse_call(ElementFunction function) {
    ExpressionStep step{.kind = ExpressionStep::Kind::kCall, .function = function};
    take('(');
    step.operands[0] = parse_value();
    if (takes_pair(function)) {
      take(',');
      step.operands[1] = parse_value();
    }
    if (function == ElementFunction::kScale) {
      take(',');
      step.number = number_of(parse_word());
    }
    take(')');
    return add(step);
  }

  double number_of(std::string_view word) const {
    const auto named = std::find_if(numbers_.begin(), numbers_.end(),
                                    [&](const NamedNumber& number) { return number.name == word; });
    if (named != numbers_.end()) return named->number;
    double number = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
    check(code == std::errc() && end == word.data() + word.size(), "has a number or a name");
    return number;
  }

  std::string_view parse_word() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    const size_t begin = at_;
    while (at_ < text_.size() && is_part_of_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void take(char wanted) {
    check(at_ < text_.size() && text_[at_] == wanted, std::string("has a ") + wanted);
    ++at_;
  }

  size_t add(const ExpressionStep& step) {
    std::vector<ExpressionStep>& steps = expression_.steps;
    const auto known = std::find(steps.begin(), steps.end(), step);
    const auto number = static_cast<size_t>(known - steps.begin());
    if (known == steps.end()) steps.push_back(step);
    return number;
  }

  void check(bool holds, const std::string& what) const {
    CHECK(holds, "the formula '" + std::string(text_) + "' " + what + " at character " +
                     std::to_string(at_ + 1));
  }

  std::string_view text_;
  std::span<const std::string_view> variables_;
  std::span<const NamedNumber> numbers_;
  size_t at_ = 0;
  Expression expression_;
};

}  // namespace

std::span<const size_t> operands_of(const ExpressionStep& step) {
  if (step.kind != ExpressionStep::Kind::kCall) return {};
  return std::span(step.operands).first(takes_pair(step.function) ? 2 : 1);
}

Attributes attributes_of(const ExpressionStep& step) {
  Attributes attributes;
  if (step.function == ElementFunction::kScale) attributes.set("factor", step.number);
  return attributes;
}

Expression parse_expression(std::string_view text, std::span<const std::string_view> variables,
                            std::span<const NamedNumber> numbers) {
  return ExpressionParser(text, variables, numbers).parse();
}

}  // namespace graphrt
