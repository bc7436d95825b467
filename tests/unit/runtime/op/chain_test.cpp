#include "runtime/op/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "op_test_support.h"

namespace graphrt {
namespace {

using testing::ElementsAre;

/// The canonical text, or the message.
std::string read(std::string_view text) {
  const Result<Chain> chain = parse_chain(text);
  return chain ? to_string(*chain) : chain.error().message;
}

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Chain, IsReadFromTheInnermostCallOn) {
  const Chain chain = parse_chain("div(x2, scale(sub(x1, x0), -0.5))").value();
  EXPECT_EQ(chain.start, 1U);
  ASSERT_EQ(chain.steps.size(), 3U);
  EXPECT_EQ(chain.steps[0], (ChainStep{ElementFunction::kSub, 0, false, 1}));
  EXPECT_EQ(chain.steps[1], (ChainStep{ElementFunction::kScale, std::nullopt, false, -0.5}));
  EXPECT_EQ(chain.steps[2], (ChainStep{ElementFunction::kDiv, 2, true, 1}));
  EXPECT_THAT(inputs_of(chain), ElementsAre(1, 0, 2));
}

TEST(Chain, IsPrintedAsItWouldBeWritten) {
  for (const char* text :
       {"relu(x0)", "add(x0, x0)", "sub(x1, x0)", "mul(relu(add(x0, x1)), x2)",
        "mul(x2, relu(add(x1, x0)))", "scale(tanh(x0), 0.5)", "add(scale(x0, 1e-42), x0)",
        "gelu_grad(x0, sigmoid_grad(tanh_grad(relu_grad(x1, x2), x3), x4))",
        "log(exp(sqrt(sigmoid(gelu(div(x7, x6))))))"}) {
    EXPECT_EQ(read(text), text);
  }
  EXPECT_EQ(read(" mul( relu(x0 ) ,x1 ) "), "mul(relu(x0), x1)");
  EXPECT_EQ(read("scale(scale(x0,2.50),1e2)"), "scale(scale(x0, 2.5), 100)");
}

TEST(Chain, KnowsItsFunctionsByName) {
  for (const char* name :
       {"add", "div", "exp", "gelu", "gelu_grad", "log", "mul", "relu", "relu_grad", "scale",
        "sigmoid", "sigmoid_grad", "sqrt", "sub", "tanh", "tanh_grad"}) {
    ASSERT_TRUE(find_element_function(name)) << name;
    EXPECT_EQ(to_string(*find_element_function(name)), name);
    EXPECT_EQ(takes_pair(*find_element_function(name)), find_op(name)->max_inputs == 2) << name;
  }
  EXPECT_EQ(find_element_function("equal"), std::nullopt);
  EXPECT_EQ(find_element_function(""), std::nullopt);
}

TEST(Chain, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(read(""), "needs a function or an input, as relu(x0) at character 1 of its formula");
  EXPECT_EQ(read("relu(!)"),
            "needs a function or an input, as relu(x0) at character 6 of its formula");
  EXPECT_EQ(read("relu x0"), "needs '(' at character 6 of its formula");
  EXPECT_EQ(read("relu(x0"), "needs ')' at character 8 of its formula");
  EXPECT_EQ(read("relu(x0, x1)"), "needs ')' at character 8 of its formula");
  EXPECT_EQ(read("add(x0)"), "needs ',' at character 7 of its formula");
  EXPECT_EQ(read("relu(x0) x1"), "needs its end at character 10 of its formula");
  EXPECT_EQ(read("scale(x0, x1)"), "needs a finite number at character 11 of its formula");
  EXPECT_EQ(read("scale(x0, inf)"), "needs a finite number at character 11 of its formula");
  EXPECT_EQ(read("scale(x0, 1e999)"), "needs a finite number at character 11 of its formula");
  for (const char* number : {"1e39", "-1e39", "1e-50"}) {
    EXPECT_EQ(read("scale(x0, " + std::string(number) + ")"),
              "needs a number that f32 can hold at character 11 of its formula");
  }
  EXPECT_EQ(read("tahn(x0)"), "knows no function 'tahn' in its formula; did you mean 'tanh'?");
  EXPECT_EQ(read("add(relu(x0), relu(x1))"),
            "needs an input, as x0, beside a call at character 15 of its formula");
  EXPECT_EQ(read("relu(x8)"), "has no input 'x8' for its formula; they are x0 to x7");
  EXPECT_EQ(read("relu(x00)"), "has no input 'x00' for its formula; they are x0 to x7");
}

TEST(Chain, IsBounded) {
  const std::string longest = repeated("relu(", 16) + "x0" + repeated(")", 16);
  EXPECT_EQ(read(longest), longest);
  EXPECT_EQ(read("relu(" + longest + ")"), "takes at most 16 calls in its formula");
  EXPECT_EQ(read(repeated("exp(", 200)), "takes at most 16 calls in its formula");
  EXPECT_EQ(read(repeated(" ", 1025)), "takes a formula of at most 1024 characters; got 1025");
  const std::string word = repeated("a", 1000);
  EXPECT_LT(read(word).size(), 300U);
  EXPECT_LT(read("relu(x1" + word + ")").size(), 300U);
}

// What is read is printed, and that is read as the same; nothing else is asked of such texts.
TEST(Chain, TakesAnyText) {
  static const std::string_view kParts[] = {"relu", "add",   "(", ")", ",",    " ",  "x0", "x1",
                                            "x9",   "scale", "-", "1", "\xff", "1e", "\"", "."};
  std::mt19937 random(20240917);
  std::string text;
  for (int i = 0; i < 20000; ++i) {
    text.clear();
    for (auto length = random() % 12; length > 0; --length) text += kParts[random() % 16];
    const Result<Chain> chain = parse_chain(text);
    if (!chain) continue;
    ASSERT_EQ(parse_chain(to_string(*chain)).value(), *chain) << text;
  }
}

std::string infer_formula(std::string_view formula, const std::vector<std::string_view>& inputs) {
  return infer("elementwise", inputs, with({{"formula", std::string(formula)}}));
}

TEST(TypeRules, AChainHasTheShapeThatItStartsWith) {
  EXPECT_EQ(infer_formula("relu(x0)", {"f32[2, 3]"}), "f32[2, 3]");
  EXPECT_EQ(infer_formula("relu(add(x0, x1))", {"f32[2, 3]", "f32[2, 3]"}), "f32[2, 3]");
  EXPECT_EQ(infer_formula("relu(add(x0, x1))", {"f32[2, 3]", "f32[3]"}), "f32[2, 3]");
  EXPECT_EQ(infer_formula("relu(add(x0, x1))", {"f32[3]", "f32[2, 3]"}), "f32[2, 3]");
  EXPECT_EQ(infer_formula("mul(x1, relu(x0))", {"f32[4, 2, 3]", "f32[2, 3]"}), "f32[4, 2, 3]");
  EXPECT_EQ(infer_formula("mul(x1, relu(x0))", {"f32[4, 2, 3]", "f32[]"}), "f32[4, 2, 3]");
  EXPECT_EQ(infer_formula("mul(x1, relu(x0))", {"f32[]", "f32[]"}), "f32[]");
}

TEST(TypeRules, AChainSaysWhatDoesNotFit) {
  const std::string wants =
      "elementwise starts with f32[2, 3] and needs that shape, or the end of it, of every operand; "
      "got ";
  EXPECT_EQ(infer_formula("add(x0, x1)", {"f32[2, 3]", "f32[2]"}), wants + "f32[2]");
  EXPECT_EQ(infer_formula("add(x0, x1)", {"f32[2, 3]", "f32[2, 1]"}), wants + "f32[2, 1]");
  EXPECT_EQ(infer_formula("add(x0, x1)", {"f32[2, 3]", "f32[1]"}), wants + "f32[1]");
  EXPECT_EQ(infer_formula("add(relu(x0), x1)", {"f32[2, 3]", "f32[4, 2, 3]"}),
            wants + "f32[4, 2, 3]");
  EXPECT_EQ(infer_formula("add(x0, x1)", {"f32[2]", "i32[2]"}),
            "elementwise works on floats only; got i32[2]; cast it to f32");
  EXPECT_EQ(infer_formula("add(x0, x2)", {"f32[2]", "f32[2]"}),
            "elementwise uses x2 in its formula; its inputs are x0 to x1");
  EXPECT_EQ(infer_formula("add(x0, x1)", {"f32[2]"}),
            "elementwise uses x1 in its formula; its inputs are x0");
  EXPECT_EQ(infer_formula("add(x0, x2)", {"f32[2]", "f32[2]", "f32[2]"}),
            "elementwise does not use x1 in its formula");
  EXPECT_EQ(infer_formula("add(x0", {"f32[2]"}),
            "elementwise needs ',' at character 7 of its formula");
  EXPECT_EQ(infer("elementwise", {"f32[2]"}), "elementwise needs the attribute 'formula', a text");
  EXPECT_EQ(infer("elementwise", {"f32[2]"}, with({{"formula", 0.5}})),
            "elementwise needs a text as 'formula'; got 0.5");
  EXPECT_EQ(infer("elementwise", std::vector<std::string_view>(9, "f32[2]")),
            "elementwise takes 1 to 8 inputs; got 9");
}

TEST(TypeRules, AChainBlamesAnOperand) {
  const auto blames = [](std::string_view formula, const std::vector<std::string_view>& inputs) {
    return blamed("elementwise", inputs, with({{"formula", std::string(formula)}}));
  };
  EXPECT_EQ(blames("add(x0, x1)", {"f32[2, 3]", "f32[2]"}), 1U);
  EXPECT_EQ(blames("add(x0, x1)", {"f32[2]", "f32[2, 3]"}), 0U);
  EXPECT_EQ(blames("add(x0, x2)", {"f32[2]", "f32[2]", "f32[2]"}), 1U);
  EXPECT_EQ(blames("relu", {"f32[2]"}), std::nullopt);
}

}  // namespace
}  // namespace graphrt
