#include "runtime/op/chain.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "runtime/base/f32_range.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

/// Longer than the longest chain with spaces between its words.
constexpr size_t kMaxText = 1024;

bool is_space(char c) { return c == ' '; }

bool is_word_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string unknown_function(std::string_view name) {
  const std::vector<std::string> names = element_function_names();
  const std::optional<std::string> nearest = nearest_name(name, names);
  return "knows no function '" + std::string(name) + "' in its formula; " +
         (nearest ? "did you mean '" + *nearest + "'?" : "it knows " + join(names, ", "));
}

class ChainParser {
 public:
  explicit ChainParser(std::string_view text) : text_(text) {}

  Result<Chain> parse() {
    TRY(parse_call());
    skip_spaces();
    if (at_ < text_.size()) return needs("its end");
    return std::move(chain_);
  }

 private:
  /// The steps of the calls inside, then the call's own.
  Result<void> parse_call() {
    TRY(const ElementFunction function, parse_function());
    if (++depth_ > kMaxChainSteps) {
      return input_error("takes at most " + std::to_string(kMaxChainSteps) +
                         " calls in its formula");
    }
    TRY(expect('('));
    ChainStep step{.function = function, .input = {}};
    TRY(std::optional<size_t> running, parse_operand());
    if (takes_pair(function)) {
      TRY(expect(','));
      TRY(step.input, parse_operand());
      step.running_is_second = !step.input;
      if (step.running_is_second) std::swap(running, step.input);
    }
    if (running) chain_.start = *running;
    if (function == ElementFunction::kScale) {
      TRY(expect(','));
      TRY(step.factor, parse_number());
    }
    TRY(expect(')'));
    chain_.steps.push_back(step);
    return {};
  }

  /// The number of an input, or nothing for a call.
  Result<std::optional<size_t>> parse_operand() {
    skip_spaces();
    const std::string_view word = peek_word();
    if (word.size() > 1 && word[0] == 'x' && word[1] >= '0' && word[1] <= '9') {
      if (word.size() != 2 || word[1] - '0' >= static_cast<int>(kMaxChainInputs)) {
        return input_error("has no input '" + std::string(word.substr(0, kMaxShown)) +
                           "' for its formula; they are x0 to x" +
                           std::to_string(kMaxChainInputs - 1));
      }
      at_ += word.size();
      return static_cast<size_t>(word[1] - '0');
    }
    if (!chain_.steps.empty()) {
      return needs("an input, as x0, beside a call");
    }
    TRY(parse_call());
    return std::optional<size_t>();
  }

  Result<ElementFunction> parse_function() {
    skip_spaces();
    const std::string_view word = peek_word();
    if (word.empty()) return needs("a function or an input, as relu(x0)");
    const std::optional<ElementFunction> function = find_element_function(word);
    if (!function && text_.substr(at_ + word.size(), 1) != "(") {
      return input_error("needs a call or an input, x0 to x" + std::to_string(kMaxChainInputs - 1) +
                         ", in its formula in place of '" + std::string(word.substr(0, kMaxShown)) +
                         "'");
    }
    if (!function) return input_error(unknown_function(word.substr(0, kMaxShown)));
    at_ += word.size();
    return *function;
  }

  Result<double> parse_number() {
    skip_spaces();
    double number = 0;
    const char* begin = text_.data() + at_;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), number);
    if (code != std::errc() || !std::isfinite(number)) return needs("a finite number");
    if (find_misfit_of_f32(number)) {
      return needs("a number that f32 can hold");
    }
    at_ += static_cast<size_t>(end - begin);
    return number;
  }

  Result<void> expect(char wanted) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != wanted) {
      return needs("'" + std::string(1, wanted) + "'");
    }
    ++at_;
    return {};
  }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  std::string_view peek_word() const {
    size_t end = at_;
    while (end < text_.size() && is_word_part(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  tl::unexpected<Error> needs(const std::string& what) const {
    return input_error("needs " + what + " at character " + std::to_string(at_ + 1) +
                       " of its formula");
  }

  static constexpr size_t kMaxShown = 32;  ///< of a word in a message

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;  ///< calls seen so far: each but the first is inside the one before it
  Chain chain_;
};

}  // namespace

std::string to_string(const Chain& chain) {
  std::string front;
  std::string back;
  for (const ChainStep& step : chain.steps) {
    std::string before(to_string(step.function));
    before += "(";
    if (step.input) {
      const std::string input = "x" + std::to_string(*step.input);
      if (step.running_is_second) before += input + ", ";
      if (!step.running_is_second) back += ", " + input;
    }
    if (step.function == ElementFunction::kScale) back += ", " + format_number(step.factor);
    front.insert(0, before);
    back += ")";
  }
  return front + "x" + std::to_string(chain.start) + back;
}

Result<Chain> parse_chain(std::string_view text) {
  if (text.size() > kMaxText) {
    return input_error("takes a formula of at most " + std::to_string(kMaxText) +
                       " characters; got " + std::to_string(text.size()));
  }
  return ChainParser(text).parse();
}

std::vector<size_t> inputs_of(const Chain& chain) {
  std::vector<size_t> inputs = {chain.start};
  for (const ChainStep& step : chain.steps) {
    if (step.input) inputs.push_back(*step.input);
  }
  return inputs;
}

}  // namespace graphrt
