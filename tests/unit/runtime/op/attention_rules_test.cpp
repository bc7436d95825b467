#include <gtest/gtest.h>

#include "op_test_support.h"
#include "runtime/op/attention.h"

namespace graphrt {
namespace {

using Texts = std::vector<std::string_view>;

const Texts kForward = {"f32[2, 5, 4, 8]", "f32[2, 7, 2, 8]", "f32[2, 7, 2, 6]"};
const Texts kBackward = {"f32[2, 5, 4, 6]", "f32[2, 5, 4, 8]", "f32[2, 7, 2, 8]",
                         "f32[2, 7, 2, 6]", "f32[2, 5, 4, 6]", "f32[2, 4, 5]"};

Texts replaced(Texts texts, size_t i, std::string_view text) {
  texts[i] = text;
  return texts;
}
Texts with_mask(Texts texts, std::string_view mask) {
  texts.push_back(mask);
  return texts;
}

std::vector<std::string> all_types(std::string_view op, const Texts& inputs) {
  const auto results = infer_types(*find_op(op), types(inputs), {});
  std::vector<std::string> texts;
  for (const TensorType& type : *results) texts.push_back(to_string(type));
  return texts;
}

TEST(AttentionRules, GiveAResultAndItsLogSum) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(all_types("attention", kForward), (Strings{"f32[2, 5, 4, 6]", "f32[2, 4, 5]"}));
  EXPECT_EQ(all_types("attention", {"bf16[2, 5, 4, 8]", "bf16[2, 7, 1, 8]", "bf16[2, 7, 1, 8]"}),
            (Strings{"bf16[2, 5, 4, 8]", "f32[2, 4, 5]"}));
  EXPECT_EQ(all_types("attention_grad", kBackward),
            (Strings{"f32[2, 5, 4, 8]", "f32[2, 7, 2, 8]", "f32[2, 7, 2, 6]"}));
}

TEST(AttentionRules, HeadsHaveToFit) {
  const std::string needs =
      "attention needs q[B, T, H, D], k[B, S, G, D] and v[B, S, G, E], H a multiple of G; got ";
  EXPECT_EQ(infer("attention", replaced(kForward, 0, "f32[5, 4, 8]")),
            needs + "f32[5, 4, 8], f32[2, 7, 2, 8] and f32[2, 7, 2, 6]");
  const std::vector<std::pair<size_t, std::string_view>> misfits = {
      {0, "f32[8]"},          {1, "f32[3, 7, 2, 8]"}, {1, "f32[2, 7, 3, 8]"},
      {1, "f32[2, 7, 2, 9]"}, {2, "f32[3, 7, 2, 6]"}, {2, "f32[2, 8, 2, 6]"},
      {2, "f32[2, 7, 1, 6]"}, {2, "f32[7, 2, 6]"}};
  for (const auto& [i, text] : misfits) {
    EXPECT_EQ(infer("attention", replaced(kForward, i, text)).substr(0, needs.size()), needs);
    EXPECT_EQ(blamed("attention", replaced(kForward, i, text)), i) << text;
    EXPECT_EQ(blamed("attention_grad", replaced(kBackward, i + 1, text)), i + 1) << text;
  }
}

TEST(AttentionRules, TypesHaveToBeTheSameFloats) {
  EXPECT_EQ(infer("attention", replaced(kForward, 1, "bf16[2, 7, 2, 8]")),
            "attention needs operands of the same element type; got f32[2, 5, 4, 8] and "
            "bf16[2, 7, 2, 8]; cast one of them");
  EXPECT_EQ(infer("attention", replaced(kForward, 2, "i32[2, 7, 2, 6]")),
            "attention works on floats only; got i32[2, 7, 2, 6]; cast it to f32");
  EXPECT_EQ(blamed("attention_grad", replaced(kBackward, 3, "f16[2, 7, 2, 6]")), 3U);
}

TEST(AttentionRules, AGradientNeedsWhatTheForwardPassGave) {
  EXPECT_EQ(infer("attention_grad", replaced(kBackward, 0, "f32[2, 5, 4, 8]")),
            "attention_grad needs the gradient and the result of attention, f32[2, 5, 4, 6]; got "
            "f32[2, 5, 4, 8]");
  EXPECT_EQ(blamed("attention_grad", replaced(kBackward, 4, "f32[2, 5, 2, 6]")), 4U);
  EXPECT_EQ(infer("attention_grad", replaced(kBackward, 5, "f32[2, 5, 4]")),
            "attention_grad needs the log_sum of attention, f32[2, 4, 5]; got f32[2, 5, 4]");
  EXPECT_EQ(infer("attention_grad", kForward), "attention_grad takes 6 to 7 inputs; got 3");
}

TEST(AttentionRules, AMaskBroadcastsToTheScores) {
  for (const std::string_view mask : {"bool[5, 7]", "f32[2, 4, 5, 7]", "f32[1, 4, 1, 7]", "bool[]",
                                      "f32[7]", "bool[2, 1, 5, 1]"}) {
    EXPECT_EQ(infer("attention", with_mask(kForward, mask)), "f32[2, 5, 4, 6]") << mask;
    EXPECT_EQ(infer("attention_grad", with_mask(kBackward, mask)), "f32[2, 5, 4, 8]") << mask;
  }
  EXPECT_EQ(infer("attention", with_mask(kForward, "bool[7, 5]")),
            "attention needs a mask of bool or f32 that broadcasts to [B, H, T, S], here "
            "[2, 4, 5, 7]; got bool[7, 5]");
  for (const std::string_view mask : {"bool[1, 2, 4, 5, 7]", "i32[5, 7]", "bf16[5, 7]"}) {
    EXPECT_EQ(blamed("attention", with_mask(kForward, mask)), 3U) << mask;
    EXPECT_EQ(blamed("attention_grad", with_mask(kBackward, mask)), 6U) << mask;
  }
  const Texts halves = {"f16[2, 5, 4, 8]", "f16[2, 7, 2, 8]", "f16[2, 7, 2, 6]"};
  EXPECT_EQ(infer("attention", with_mask(halves, "f16[5, 7]")), "f16[2, 5, 4, 6]");
  EXPECT_EQ(infer("attention", with_mask(halves, "f32[5, 7]")), "f16[2, 5, 4, 6]");
  EXPECT_EQ(infer("attention", with_mask(halves, "bf16[5, 7]")),
            "attention needs a mask of bool, f32 or f16 that broadcasts to [B, H, T, S], here "
            "[2, 4, 5, 7]; got bf16[5, 7]; cast it to f32");
}

TEST(AttentionRules, MathIsOfF32) {
  const Texts halves = {"f16[2, 5, 4, 8]", "f16[2, 7, 2, 8]", "f16[2, 7, 2, 6]"};
  for (const std::string math : {"f32", "tf32", "bf16"}) {
    EXPECT_EQ(infer("attention", kForward, with({{"math", math}})), "f32[2, 5, 4, 6]");
    EXPECT_EQ(infer("attention", halves, with({{"math", math}})),
              "attention takes `math` for f32 operands alone; got f16");
  }
  const Attributes unknown = with({{"math", "f64"}});
  EXPECT_EQ(infer("attention", kForward, unknown),
            "attention needs `math` to be f32, tf32 or bf16; got f64");
  EXPECT_EQ(blamed_attribute("attention_grad", kBackward, unknown), "math");
}

TEST(AttentionRules, TheScaleIsByDefaultOneOverTheRootOfTheWidth) {
  const AttentionSizes sizes = attention_sizes(types(kForward), kOperandsOfAttention, {});
  EXPECT_EQ(attention_scale({.query_width = 16}, {}), 0.25F);
  EXPECT_EQ(attention_scale(sizes, with({{"scale", 3.0}})), 3.0F);
}

TEST(AttentionRules, PackedHeadsAreThoseOfTheQueriesThenOfKeysAndValues) {
  const Attributes two = with({{"key_heads", int64_t{2}}});
  const auto forward = infer_types(*find_op("packed_attention"), types({"bf16[2, 5, 8, 6]"}), two);
  EXPECT_EQ(to_string((*forward)[0]), "bf16[2, 5, 4, 6]");
  EXPECT_EQ(to_string((*forward)[1]), "f32[2, 4, 5]");
  const Texts backward = {"bf16[2, 5, 4, 6]", "bf16[2, 5, 8, 6]", "bf16[2, 5, 4, 6]",
                          "f32[2, 4, 5]"};
  EXPECT_EQ(infer("packed_attention_grad", backward, two), "bf16[2, 5, 8, 6]");
  EXPECT_EQ(infer("packed_attention_grad", with_mask(backward, "bool[5, 5]"), two),
            "bf16[2, 5, 8, 6]");
  EXPECT_EQ(blamed("packed_attention_grad", replaced(backward, 0, "bf16[2, 5, 8, 6]"), two), 0U);
  EXPECT_EQ(blamed("packed_attention_grad", replaced(backward, 2, "bf16[2, 5, 8, 6]"), two), 2U);
  EXPECT_EQ(blamed("packed_attention_grad", replaced(backward, 3, "f32[2, 8, 5]"), two), 3U);
  EXPECT_EQ(blamed("packed_attention", {"bf16[2, 5, 8, 6]", "bool[2, 8, 5, 5]"}, two), 1U);
  const AttentionSizes sizes =
      attention_sizes(types({"bf16[2, 5, 8, 6]"}), kOperandsOfPackedAttention, two);
  EXPECT_EQ(sizes.keys_at, 4 * 6);
  EXPECT_EQ(sizes.values_at, 6 * 6);
  EXPECT_EQ(sizes.query_stride, 8 * 6);
  EXPECT_EQ(sizes.result_stride(), 4 * 6);
}

TEST(AttentionRules, PackedHeadsHaveToBeAsManyAsSaid) {
  const auto told = [](std::string_view qkv, int64_t key_heads) {
    return infer("packed_attention", {qkv}, with({{"key_heads", key_heads}}));
  };
  const std::string needs = "packed_attention needs qkv[B, T, H + 2 G, D], H a multiple of G = ";
  EXPECT_EQ(told("f32[2, 5, 8, 6]", 3), needs + "3; got f32[2, 5, 8, 6]");
  EXPECT_EQ(told("f32[2, 5, 8, 6]", 4), needs + "4; got f32[2, 5, 8, 6]");
  EXPECT_EQ(told("f32[2, 5, 8, 6]", INT64_MAX),
            needs + std::to_string(INT64_MAX) + "; got f32[2, 5, 8, 6]");
  EXPECT_EQ(told("f32[5, 8, 6]", 1), needs + "1; got f32[5, 8, 6]");
  EXPECT_EQ(told("f32[2, 5, 8, 6]", 0), "packed_attention needs `key_heads` of at least 1; got 0");
}

TEST(AttentionRules, StridesOfAMaskAreZeroAlongWhatItRepeats) {
  const auto strides = [](const Shape& mask) {
    const MaskStrides of = mask_strides(mask);
    return std::vector<int64_t>{of.batch, of.head, of.query, of.key};
  };
  EXPECT_EQ(strides({2, 4, 5, 7}), (List{140, 35, 7, 1}));
  EXPECT_EQ(strides({2, 1, 5, 1}), (List{5, 0, 1, 0}));
  EXPECT_EQ(strides({5, 7}), (List{0, 0, 7, 1}));
  EXPECT_EQ(strides({}), (List{0, 0, 0, 0}));
}

Work work_of(std::string_view op, const Texts& inputs, const Attributes& attributes = {}) {
  const auto all = types(inputs);
  return find_op(op)->work_rule(all, *infer_types(*find_op(op), all, attributes), attributes);
}

TEST(AttentionRules, WorkCountsTheBytesOfAllResults) {
  constexpr double kOperands = 2 * 5 * 4 * 8 + 2 * 7 * 2 * 8 + 2 * 7 * 2 * 6;  // q, k, v
  constexpr double kResult = 2 * 5 * 4 * 6;
  constexpr double kLogSums = 2 * 4 * 5;
  EXPECT_EQ(work_of("attention", kForward).num_bytes, 4 * (kOperands + kResult + kLogSums));
  // Also the gradient of the result, and gradients by q, k and v.
  EXPECT_EQ(work_of("attention_grad", kBackward).num_bytes,
            4 * (2 * kOperands + 2 * kResult + kLogSums));
}

TEST(AttentionRules, WorkIsThatOfTheProducts) {
  constexpr double kFlops = 2.0 * 2 * 4 * 5 * 7 * (8 + 6);
  EXPECT_EQ(work_of("attention", kForward).num_flops, kFlops);
  EXPECT_EQ(work_of("attention", kForward, with({{"causal", true}})).num_flops, kFlops / 2);
  EXPECT_EQ(work_of("attention_grad", kBackward).num_flops, 2.5 * kFlops);
  EXPECT_EQ(work_of("attention", kForward).rate, "matmul_f32");
  EXPECT_EQ(work_of("attention_grad", kBackward, with({{"math", "tf32"}})).rate, "matmul_tf32");
  EXPECT_EQ(work_of("attention", kForward, with({{"math", "bf16"}})).rate, "matmul_bf16");
  EXPECT_EQ(work_of("attention", {"f16[2, 5, 4, 8]", "f16[2, 7, 2, 8]", "f16[2, 7, 2, 6]"}).rate,
            "matmul_16bit");
}

std::string row_uses_of(std::string_view op, const Texts& inputs) {
  const auto all = types(inputs);
  std::string text;
  for (const RowUse use : row_uses(*find_op(op), all, *infer_type(*find_op(op), all, {}), {})) {
    text += use == RowUse::kSame ? "s" : "a";
  }
  return text;
}

TEST(AttentionRules, RowsAreThoseOfTheBatch) {
  EXPECT_EQ(row_uses_of("attention", kForward), "sss");
  EXPECT_EQ(row_uses_of("attention", with_mask(kForward, "bool[2, 1, 5, 7]")), "ssss");
  EXPECT_EQ(row_uses_of("attention", with_mask(kForward, "bool[1, 4, 5, 7]")), "sssa");
  EXPECT_EQ(row_uses_of("attention", with_mask(kForward, "bool[4, 5, 7]")), "sssa");
  EXPECT_EQ(row_uses_of("attention_grad", kBackward), "ssssss");
  EXPECT_EQ(row_uses_of("attention_grad", with_mask(kBackward, "f32[2, 4, 5, 7]")), "sssssss");
  EXPECT_EQ(row_uses_of("attention_grad", with_mask(kBackward, "f32[7]")), "ssssssa");
}

TEST(AttentionRules, ScratchMemoryDoesNotGrowWithTheScores) {
  const auto bytes = [](std::string_view op, const Texts& inputs, bool is_on_host) {
    const auto all = types(inputs);
    const auto results = infer_types(*find_op(op), all, {}).value();
    return scratch_bytes(*find_op(op), is_on_host, all, results, {});
  };
  const Texts large = {"bf16[1, 65536, 1, 64]", "bf16[1, 65536, 1, 64]", "bf16[1, 65536, 1, 64]"};
  const Texts large_grad = {"bf16[1, 65536, 1, 64]", "bf16[1, 65536, 1, 64]",
                            "bf16[1, 65536, 1, 64]", "bf16[1, 65536, 1, 64]",
                            "bf16[1, 65536, 1, 64]", "f32[1, 1, 65536]"};
  for (const bool is_on_host : {false, true}) {
    EXPECT_LE(bytes("attention", large, is_on_host), int64_t{64} << 20);
    EXPECT_LE(bytes("attention_grad", large_grad, is_on_host), int64_t{128} << 20);
  }
  // Four queries, four keys and f32: a tile, and of each query two values, a largest and a total.
  const Texts small = {"f32[1, 4, 1, 3]", "f32[1, 4, 1, 3]", "f32[1, 4, 1, 2]"};
  EXPECT_EQ(bytes("attention", small, true), 4 * (4 * 4 + 4 * (2 + 2)));
}

}  // namespace
}  // namespace graphrt
