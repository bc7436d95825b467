#include "chain_cases.h"

#include <string>
#include <utility>

#include "kernel_test_support.h"
#include "runtime/op/chain.h"

namespace graphrt {
namespace {

class RandomChain {
 public:
  explicit RandomChain(Dice& dice) : dice_(dice), whole_(dice.any_shape()) {}

  OperatorUse make() {
    start();
    for (int64_t rounds = dice_.between(1, 2); rounds > 0; --rounds) {
      for (int64_t steps = dice_.between(0, 2); steps > 0; --steps) add_any();
      map("tanh");
      if (dice_.flip()) add_after_sigmoid();
    }
    return {std::move(inputs_), with({{"formula", formula_}})};
  }

 private:
  /// One call, of which at least one operand has the shape of the whole.
  void start() {
    formula_ = new_input(whole_);
    if (dice_.between(0, 2) == 0) return map("relu");
    if (dice_.flip()) return zip("add", any_input());
    formula_ = new_input(suffix());
    zip("sub", "x0");
  }

  void add_any() {
    static const std::string_view kMaps[] = {"relu", "gelu"};
    static const std::string_view kZips[] = {"add",       "sub",       "mul",          "relu_grad",
                                             "gelu_grad", "tanh_grad", "sigmoid_grad", "hypot"};
    switch (dice_.between(0, 4)) {
      case 0:
        return map(kMaps[dice_.between(0, 1)]);
      case 1:
        formula_ = "scale(" + formula_ + ", -0.3)";
        return;
      case 2:
        formula_ = "div(" + formula_ + ", " + any_input() + ")";
        return;
      default:
        return zip(kZips[dice_.between(0, 7)], any_input());
    }
  }

  /// Functions that want numbers above 0: between a quarter and three quarters.
  void add_after_sigmoid() {
    static const std::string_view kMaps[] = {"sqrt", "log", "exp"};
    map("sigmoid");
    const int64_t which = dice_.between(0, 3);
    if (which < 3) return map(kMaps[which]);
    formula_ = "div(" + any_input() + ", " + formula_ + ")";
  }

  void map(std::string_view function) { formula_ = std::string(function) + "(" + formula_ + ")"; }

  void zip(std::string_view function, const std::string& input) {
    std::string a = formula_;
    std::string b = input;
    if (dice_.flip()) std::swap(a, b);
    formula_ = std::string(function) + "(" + a + ", " + b + ")";
  }

  std::string any_input() {
    const auto num_inputs = static_cast<int64_t>(inputs_.size());
    const bool is_full = inputs_.size() == kMaxChainInputs;
    if (is_full || dice_.flip()) return "x" + std::to_string(dice_.between(0, num_inputs - 1));
    return new_input(dice_.flip() ? whole_ : suffix());
  }

  Shape suffix() { return {whole_.begin() + dice_.between(0, std::ssize(whole_)), whole_.end()}; }

  /// Without zeros, which would decide between infinities by their sign.
  std::string new_input(const Shape& shape) {
    inputs_.push_back(dice_.f32(shape));
    for (float& x : inputs_.back().as<float>()) x = x == 0 ? 1 : x;
    return "x" + std::to_string(inputs_.size() - 1);
  }

  Dice& dice_;
  Shape whole_;
  std::vector<Tensor> inputs_;
  std::string formula_;
};

}  // namespace

OperatorUse chain_use(Dice& dice) { return RandomChain(dice).make(); }

Tensor run_step_by_step(const OperatorUse& use, const RunOperator& run) {
  const Chain chain = parse_chain(use.attributes.text("formula", "")).value();
  const Shape whole = result_type("elementwise", use.inputs, use.attributes).shape;
  // Some of the operators do not repeat their operands themselves.
  const auto input = [&](size_t number) {
    return run("broadcast", {use.inputs[number]}, with({{"shape", whole}}));
  };
  Tensor running = input(chain.start);
  for (const ChainStep& step : chain.steps) {
    std::vector<Tensor> operands = {running};
    if (step.input) operands.push_back(input(*step.input));
    if (step.running_is_second) std::swap(operands[0], operands[1]);
    Attributes attributes;
    if (step.function == ElementFunction::kScale) attributes.set("factor", step.factor);
    running = run(to_string(step.function), operands, attributes);
  }
  return running;
}

}  // namespace graphrt
