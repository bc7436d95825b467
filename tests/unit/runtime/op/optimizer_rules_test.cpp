#include <gtest/gtest.h>

#include "op_test_support.h"

namespace graphrt {
namespace {

const Attributes kRate = with({{"learning_rate", 0.5}});

TEST(OptimizerRules, SgdHasOneSourceOfItsRate) {
  EXPECT_EQ(infer("sgd_update", {"f32[2, 3]", "f32[2, 3]"}, kRate), "f32[2, 3]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, with({{"weight_decay", 0.1}})),
            "f32[2]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]"}),
            "sgd_update needs a rate: 'learning_rate', or an operand f32[] at the end");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, kRate),
            "sgd_update got its rate twice, as an operand and as 'learning_rate'");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[2]"}),
            "sgd_update needs f32[] as its rate; got f32[2]");
  EXPECT_EQ(blamed("sgd_update", {"f32[2]", "f32[2]", "i32[]"}), 2U);
  EXPECT_EQ(blamed("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, kRate), 2U);
  EXPECT_EQ(blamed("sgd_update", {"f32[2]", "f32[3]", "f32[]"}), 1U);
}

TEST(OptimizerRules, AdamWantsItsMomentsAndAStep) {
  const char* op = "adam_update";
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "i32[]"}, kRate), "f32[2]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "i32[]", "f32[]"}), "f32[2]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[3]", "i32[]"}, kRate),
            "adam_update needs w, m and v of the same shape; got f32[2], f32[2] and f32[3]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[]"}, kRate),
            "adam_update needs i32[] as its step; got f32[]; cast it to i32");
  EXPECT_EQ(infer(op, {"f32[2]", "i32[2]", "f32[2]", "i32[]"}, kRate),
            "adam_update works on f32 only; got i32[2]; cast it to f32");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "i32[]"}),
            "adam_update needs a rate: 'learning_rate', or an operand f32[] at the end");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "i32[]", "f32[1]"}),
            "adam_update needs f32[] as its rate; got f32[1]");
  EXPECT_EQ(blamed(op, {"f32[2]", "f32[3]", "f32[2]", "i32[]"}, kRate), 1U);
  EXPECT_EQ(blamed(op, {"f32[2]", "f32[2]", "f32[2]", "i32[1]"}, kRate), 3U);
}

TEST(OptimizerRules, AStepOfAdamWantsAGradientAndPerhapsItsFactor) {
  const char* op = "adam_step";
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "bf16[2]", "i32[]"}, kRate), "f32[2]");
  const Attributes scaled = with({{"scaled", true}});
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[2]", "i32[]", "f32[]", "f32[]"}, scaled),
            "f32[2]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[2]", "i32[]"}, scaled),
            "adam_step is 'scaled', so it needs the factor of its gradient, f32[], as the last "
            "operand");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[2]", "i32[]", "f32[]"}, scaled),
            "adam_step needs a rate: 'learning_rate', or an operand f32[] before the factor");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[3]", "i32[]"}, kRate),
            "adam_step needs w and its gradient of the same shape; got f32[2], f32[2], f32[2], "
            "f32[3] and i32[]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[2]", "i32[]", "f32[]", "f32[]"}),
            "adam_step takes no operand f32[] here; with 'scaled' the last one is the factor of "
            "the gradient");
  EXPECT_EQ(blamed(op, {"f32[2]", "f32[2]", "f32[3]", "f32[2]", "i32[]"}, kRate), 2U);
  EXPECT_EQ(blamed(op, {"f32[2]", "f32[2]", "f32[2]", "i32[2]", "i32[]"}, kRate), 3U);
  EXPECT_EQ(blamed(op, {"f32[2]", "f32[2]", "f32[2]", "f32[2]", "i32[1]"}, kRate), 4U);
}

TEST(OptimizerRules, AdamRefusesWhatItWouldDivideByZeroWith) {
  const auto message = [](const char* name, double value) {
    return infer("adam_update", {"f32[2]", "f32[2]", "f32[2]", "i32[]"},
                 with({{"learning_rate", 0.5}, {name, value}}));
  };
  EXPECT_EQ(message("beta1", 1), "adam_update needs 0 <= beta1 < 1; got 1");
  EXPECT_EQ(message("beta2", -0.1), "adam_update needs 0 <= beta2 < 1; got -0.1");
  EXPECT_EQ(message("epsilon", -1), "adam_update needs 0 <= epsilon; got -1");
  // As floats they are 1 and 0.
  EXPECT_EQ(message("beta2", 0.99999999999),
            "adam_update needs 0 <= beta2 < 1; got 0.99999999999, which is 1 as f32");
  EXPECT_EQ(message("epsilon", 1e-50),
            "adam_update needs an f32 number as 'epsilon'; 1e-50 is too close to 0 for f32");
}

TEST(OptimizerRules, AveragesWantEqualShapes) {
  for (const std::string op : {"moving_average", "moving_average_of_squares"}) {
    EXPECT_EQ(infer(op, {"f32[2]", "f32[2]"}, with({{"decay", 0.9}})), "f32[2]");
    EXPECT_EQ(infer(op, {"f32[2]", "f32[3]"}, with({{"decay", 0.9}})),
              op + " needs two operands of the same shape; got f32[2] and f32[3]");
    EXPECT_EQ(infer(op, {"f32[2]", "f32[2]"}, with({{"decay", 1.0}})),
              op + " needs 0 <= decay < 1; got 1");
    EXPECT_EQ(infer(op, {"f32[2]", "f32[2]"}), op + " needs the attribute 'decay', a number");
  }
  EXPECT_EQ(infer("momentum_update", {"f32[2]", "f32[2]"}, with({{"momentum", 0.9}})), "f32[2]");
  EXPECT_EQ(infer("momentum_update", {"f32[2]", "f32[3]"}, with({{"momentum", 0.9}})),
            "momentum_update needs two operands of the same shape; got f32[2] and f32[3]");
}

TEST(OptimizerRules, MomentumWantsTheWeightsThatDecay) {
  const char* op = "momentum_update";
  const Attributes decayed = with({{"momentum", 0.9}, {"weight_decay", 0.1}});
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]"}, decayed), "f32[2]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]"}, decayed),
            "momentum_update needs the weights that decay, behind the gradient");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[3]"}, decayed),
            "momentum_update needs v, the gradient and the weights of the same shape; got f32[2], "
            "f32[2] and f32[3]");
  EXPECT_EQ(blamed(op, {"f32[2]", "f32[2]", "f32[3]"}, decayed), 2U);
  EXPECT_EQ(
      infer(op, {"f32[2]", "f32[2]", "f32[2]"}, with({{"momentum", 0.9}, {"weight_decay", 0.0}})),
      "f32[2]");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]"}, with({{"momentum", 0.9}})),
            "momentum_update takes the weights along with 'weight_decay' only");
  EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[]"}, with({{"momentum", 0.9}})),
            "momentum_update takes no operand f32[] here; with 'scaled' the last one is the factor "
            "of the gradient");
  EXPECT_EQ(
      infer(op, {"f32[2]", "f32[2]", "f32[2]", "f32[2]"}, decayed),
      "momentum_update takes no operand f32[2] here; with 'scaled' the last one is the factor "
      "of the gradient");
}

// Behind all other operands, of which there are no more and no fewer than without it.
TEST(OptimizerRules, AFactorOfTheGradientIsTheLastOperand) {
  const Attributes scaled = with({{"scaled", true}, {"learning_rate", 0.5}});
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, scaled), "f32[2]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]", "f32[]"}, with({{"scaled", true}})),
            "f32[2]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, with({{"scaled", true}})),
            "sgd_update needs a rate: 'learning_rate', or an operand f32[] before the factor");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]", "f32[]"}, scaled),
            "sgd_update got its rate twice, as an operand and as 'learning_rate'");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]", "f32[]"}),
            "sgd_update takes no operand f32[] here; with 'scaled' the last one is the factor of "
            "the gradient");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]"}, scaled),
            "sgd_update is 'scaled', so it needs the factor of its gradient, f32[], as the last "
            "operand");
  const Attributes average = with({{"decay", 0.9}, {"scaled", true}});
  for (const std::string op : {"moving_average", "moving_average_of_squares"}) {
    EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[]"}, average), "f32[2]");
    EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[2]"}, average),
              op + " needs f32[] as the factor of its gradient; got f32[2]");
    EXPECT_EQ(blamed(op, {"f32[2]", "f32[2]", "i32[]"}, average), 2U);
    EXPECT_EQ(infer(op, {"f32[2]", "f32[2]", "f32[]"}, with({{"decay", 0.9}})),
              op + " takes no operand f32[] here; with 'scaled' the last one is the factor of the "
                   "gradient");
  }
  EXPECT_EQ(infer("momentum_update", {"f32[2]", "f32[2]", "f32[2]", "f32[]"},
                  with({{"momentum", 0.9}, {"scaled", true}, {"weight_decay", 0.1}})),
            "f32[2]");
}

// It may be there to skip steps alone.
TEST(OptimizerRules, UpdatesSkipStepsByTheLastOperand) {
  const Attributes skips = with({{"skips", true}, {"learning_rate", 0.5}});
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, skips), "f32[2]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"},
                  with({{"scaled", true}, {"skips", true}, {"learning_rate", 0.5}})),
            "f32[2]");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]"}, skips),
            "sgd_update 'skips' steps, so it needs the factor of its gradient, f32[], as the last "
            "operand");
  EXPECT_EQ(infer("sgd_update", {"f32[2]", "f32[2]", "f32[]"}, with({{"skips", true}})),
            "sgd_update needs a rate: 'learning_rate', or an operand f32[] before the factor");
  EXPECT_EQ(blamed("moving_average", {"f32[2]", "f32[2]", "f32[2]"},
                   with({{"decay", 0.9}, {"skips", true}})),
            2U);
}

TEST(OptimizerRules, ALossScaleIsANumber) {
  EXPECT_EQ(infer("unscale_factor", {"f32[]", "f32[]"}), "f32[]");
  EXPECT_EQ(infer("unscale_factor", {"f32[]", "f16[]"}),
            "unscale_factor needs f32[] as its scale; got f16[]; cast it to f32");
  EXPECT_EQ(infer("unscale_factor", {"f32[]", "f32[]"}, with({{"max_norm", 0.0}})),
            "unscale_factor needs a max_norm above 0; got 0");
  EXPECT_EQ(infer("loss_scale_update", {"f32[]", "i32[]", "f32[]"}), "f32[]");
  EXPECT_EQ(blamed("loss_scale_update", {"f32[]", "f32[]", "f32[]"}), 1U);
  EXPECT_EQ(infer("loss_scale_update", {"f32[]", "i32[]", "f32[]"}, with({{"backoff", 1.5}})),
            "loss_scale_update needs a backoff above 0 and at most 1; got 1.5");
  EXPECT_EQ(infer("loss_scale_update", {"f32[]", "i32[]", "f32[]"}, with({{"growth", 0.5}})),
            "loss_scale_update needs 1 <= growth; got 0.5");
  EXPECT_EQ(infer("streak_update", {"i32[]", "f32[]"}, with({{"every", int64_t{0}}})),
            "streak_update needs 1 <= every; got 0");
  EXPECT_EQ(infer("streak_update", {"i32[2]", "f32[]"}),
            "streak_update needs i32[] as its streak; got i32[2]");
  EXPECT_EQ(infer("count_step", {"i32[]", "f32[]"}), "i32[]");
  EXPECT_EQ(infer("count_step", {"i32[]", "i32[]"}),
            "count_step needs f32[] as its factor; got i32[]; cast it to f32");
  EXPECT_EQ(infer("mse_grad", {"f16[2]", "f16[2]", "f32[]"}), "f16[2]");
  EXPECT_EQ(infer("mse_grad", {"f16[2]", "f16[2]", "f16[]"}),
            "mse_grad needs f32[] as the gradient of the loss; got f16[]; cast it to f32");
}

TEST(OptimizerRules, LearningRatesFollowOneSchedule) {
  const auto message = [](std::vector<Attribute> items) {
    items.push_back({"base", 0.5});
    return infer("learning_rate", {"i32[]"}, with(std::move(items)));
  };
  EXPECT_EQ(message({{"warmup_steps", int64_t{0}}}), "f32[]");
  EXPECT_EQ(message({{"decay_every", int64_t{1}}, {"decay_factor", 0.5}}), "f32[]");
  EXPECT_EQ(message({{"cosine_steps", int64_t{1}}, {"final", 0.1}}), "f32[]");
  EXPECT_EQ(infer("learning_rate", {"i32[]"}),
            "learning_rate needs the attribute 'base', a number");
  EXPECT_EQ(infer("learning_rate", {"f32[]"}, with({{"base", 0.5}})),
            "learning_rate needs i32[] as its step; got f32[]; cast it to i32");
  EXPECT_EQ(message({{"decay_factor", 0.5}}),
            "learning_rate needs 'decay_every' and 'decay_factor' together");
  EXPECT_EQ(
      message({{"cosine_steps", int64_t{1}}, {"decay_every", int64_t{1}}, {"decay_factor", 0.5}}),
      "learning_rate takes 'decay_every' or 'cosine_steps', not both");
  EXPECT_EQ(message({{"final", 0.1}}),
            "learning_rate takes 'final' along with 'cosine_steps' only");
  EXPECT_EQ(message({{"warmup_steps", int64_t{-1}}}),
            "learning_rate needs 0 <= warmup_steps; got -1");
  EXPECT_EQ(message({{"cosine_steps", int64_t{0}}}),
            "learning_rate needs 1 <= cosine_steps; got 0");
  EXPECT_EQ(message({{"decay_every", int64_t{0}}, {"decay_factor", 0.5}}),
            "learning_rate needs 1 <= decay_every; got 0");
}

}  // namespace
}  // namespace graphrt
