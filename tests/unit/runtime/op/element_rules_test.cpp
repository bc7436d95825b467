// Which element types operators take that add up, and which they give.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "op_test_support.h"

namespace graphrt {
namespace {

Attributes to(const std::string& element) { return with({{"to", element}}); }

Attributes updated(std::vector<Attribute> items, std::string name, AttributeValue value) {
  Attributes attributes = with(std::move(items));
  attributes.set(std::move(name), std::move(value));
  return attributes;
}

std::string of(std::string_view element, std::string_view shape) {
  return std::string(element) + std::string(shape);
}

constexpr std::string_view kFloats[] = {"f32", "bf16", "f16"};

TEST(ElementRules, ProductsGiveTheTypeOfTheirOperandsOrTheOneAskedFor) {
  for (const std::string_view element : kFloats) {
    const std::string a = of(element, "[2, 3]");
    const std::string b = of(element, "[3, 4]");
    EXPECT_EQ(infer("matmul", {a, b}), of(element, "[2, 4]"));
    EXPECT_EQ(infer("matmul", {a, b, of(element, "[4]")}), of(element, "[2, 4]"));
    for (const std::string_view wanted : kFloats) {
      const Attributes attributes = to(std::string(wanted));
      EXPECT_EQ(infer("matmul", {a, b}, attributes), of(wanted, "[2, 4]"));
      EXPECT_EQ(infer("matmul", {a, b, of(wanted, "[4]")}, attributes), of(wanted, "[2, 4]"));
    }
  }
  EXPECT_EQ(infer("matmul", {"bf16[2, 3]", "f16[3, 4]"}),
            "matmul needs operands of the same element type; got bf16[2, 3] and f16[3, 4]; cast "
            "one of them");
  EXPECT_EQ(infer("matmul", {"bf16[2, 3]", "bf16[3, 4]", "f32[4]"}),
            "matmul gives bf16[2, 4] and needs bf16[4] as its bias, or as much to add; got f32[4]; "
            "cast it to bf16");
  EXPECT_EQ(blamed("matmul", {"bf16[2, 3]", "bf16[3, 4]", "f32[4]"}), 2U);
}

TEST(ElementRules, ShortOperandsOfProductsNeedNoMath) {
  EXPECT_EQ(infer("matmul", {"f16[2, 3]", "f16[3, 4]"}, with({{"math", "f32"}})), "f16[2, 4]");
  for (const std::string math : {"tf32", "bf16"}) {
    const Attributes attributes = with({{"math", math}});
    EXPECT_EQ(infer("matmul", {"f16[2, 3]", "f16[3, 4]"}, attributes),
              "matmul takes `math` " + math +
                  " with operands of f32 only; of f16[2, 3] the sums are f32: leave it out");
    EXPECT_EQ(blamed_attribute("matmul", {"f16[2, 3]", "f16[3, 4]"}, attributes), "math");
  }
}

TEST(ElementRules, ToNamesATypeOfFloats) {
  for (const std::string element : {"i32", "bool", "f64", ""}) {
    EXPECT_EQ(infer("mean", {"f32[2]"}, to(element)),
              "mean gives f32, bf16 or f16; got `to` " + element);
    EXPECT_EQ(blamed_attribute("mean", {"f32[2]"}, to(element)), "to");
  }
}

TEST(ElementRules, ReductionsKeepTheTypeOrTakeTheOneAskedFor) {
  for (const std::string_view element : kFloats) {
    const std::string x = of(element, "[2, 3]");
    for (const std::string_view op : {"sum", "mean", "max"}) {
      EXPECT_EQ(infer(op, {x}, with({{"axes", List{0}}})), of(element, "[3]"));
    }
    for (const std::string_view op : {"sum", "mean"}) {
      EXPECT_EQ(infer(op, {x}, updated({{"axes", List{0}}}, "to", "bf16")), "bf16[3]");
    }
    EXPECT_EQ(infer("argmax", {x}), "i32[2]");
    EXPECT_EQ(infer("norm", {x}), "f32[]");
    EXPECT_EQ(infer("sum_of_squares", {x}), "f32[]");
  }
  EXPECT_EQ(infer("sum", {"i32[2]"}), "i32[]");
  EXPECT_EQ(infer("sum", {"i32[2]"}, to("f32")),
            "sum takes `to` with floats only; got i32[2]; leave it out and cast the sum");
  EXPECT_EQ(infer("max", {"f32[2]"}, to("f32")), "max has no attribute 'to'");
  EXPECT_EQ(infer("sum", {"i64[2]"}), "sum works on floats and i32; got i64[2]; cast it to i32");
  EXPECT_EQ(infer("argmax", {"u8[2]"}),
            "argmax works on floats and i32; got u8[2]; cast it to i32");
}

TEST(ElementRules, NormsTakeColumnsOfTheirTypeOrOfF32) {
  for (const std::string_view element : kFloats) {
    const std::string x = of(element, "[5, 3]");
    for (const std::string_view column : {of(element, "[3]"), std::string("f32[3]")}) {
      EXPECT_EQ(infer("layer_norm", {x, column, column}), x);
      EXPECT_EQ(infer("rms_norm", {x, column}), x);
      EXPECT_EQ(infer("layer_norm_grad", {x, x, column}), x);
    }
    EXPECT_EQ(infer("rms_norm_scale_grad", {x, x}), of(element, "[3]"));
    EXPECT_EQ(infer("layer_norm_scale_grad", {x, x}, to("f32")), "f32[3]");
  }
  EXPECT_EQ(infer("layer_norm", {"bf16[5, 3]", "f16[3]", "f16[3]"}),
            "layer_norm takes f32 or the same element type beside bf16[5, 3]; got f16[3]; cast it "
            "to f32");
  EXPECT_EQ(infer("layer_norm", {"bf16[5, 3]", "f32[3]", "bf16[3]"}),
            "layer_norm needs gamma and beta of the same element type; got bf16[5, 3], f32[3] and "
            "bf16[3]; cast it to f32");
  EXPECT_EQ(blamed("layer_norm", {"bf16[5, 3]", "f32[3]", "bf16[3]"}), 2U);
  EXPECT_EQ(infer("rms_norm", {"f32[5, 3]", "bf16[3]"}),
            "rms_norm takes f32 or the same element type beside f32[5, 3]; got bf16[3]; cast it to "
            "f32");
  EXPECT_EQ(infer("rms_norm_grad", {"bf16[5, 3]", "f32[5, 3]", "f32[3]"}),
            "rms_norm_grad needs operands of the same element type; got bf16[5, 3] and f32[5, 3]; "
            "cast one of them");
}

TEST(ElementRules, LossesAreF32AndTheirGradientsOfTheTypeOfTheLogits) {
  for (const std::string_view element : kFloats) {
    const std::string x = of(element, "[5, 3]");
    for (const std::string_view label : {"i32[5]", "i64[5]"}) {
      EXPECT_EQ(infer("softmax_cross_entropy", {x, label}), "f32[]");
      EXPECT_EQ(infer("softmax_cross_entropy_grad", {x, label}), x);
      EXPECT_EQ(infer("accuracy", {x, label}), "f32[]");
    }
    for (const std::string op : {"mse", "binary_cross_entropy"}) {
      EXPECT_EQ(infer(op, {x, x}), "f32[]");
      EXPECT_EQ(infer(op + "_grad", {x, x}), x);
    }
    EXPECT_EQ(infer("softmax", {x}), x);
    EXPECT_EQ(infer("softmax_grad", {x, x}), x);
    EXPECT_EQ(infer("dropout", {x, "i32[]"}, with({{"rate", 0.5}})), x);
  }
  EXPECT_EQ(infer("accuracy", {"i32[5, 3]", "i32[5]"}),
            "accuracy works on floats only; got i32[5, 3]; cast it to f32");
  EXPECT_EQ(infer("softmax_cross_entropy", {"bf16[5, 3]", "i8[5]"}),
            "softmax_cross_entropy needs a label of i32 or i64; got i8[5]; cast it to i32");
  EXPECT_EQ(blamed("softmax_cross_entropy", {"bf16[5, 3]", "i8[5]"}), 1U);
}

TEST(ElementRules, EmbeddingsKeepTheTypeOfTheTableOrTakeTheOneAskedFor) {
  const Attribute rows{"rows", int64_t{9}};
  for (const std::string_view element : kFloats) {
    const std::string table = of(element, "[9, 3]");
    const std::string gradient = of(element, "[5, 3]");
    for (const std::string_view index : {"i32[5]", "i64[5]"}) {
      EXPECT_EQ(infer("embedding", {table, index}), gradient);
      EXPECT_EQ(infer("embedding", {table, index}, to("bf16")), "bf16[5, 3]");
      EXPECT_EQ(infer("embedding_grad", {gradient, index}, with({rows})), table);
      EXPECT_EQ(infer("embedding_grad", {gradient, index}, updated({rows}, "to", "f32")),
                "f32[9, 3]");
    }
  }
}

TEST(ElementRules, StatesOfOptimizersAreF32WhateverTheGradientIs) {
  const Attribute rate{"learning_rate", 0.5};
  const Attribute momentum{"momentum", 0.5};
  const Attribute decay{"decay", 0.5};
  for (const std::string_view element : kFloats) {
    const std::string gradient = of(element, "[4]");
    EXPECT_EQ(infer("sgd_update", {"f32[4]", gradient}, with({rate})), "f32[4]");
    EXPECT_EQ(infer("momentum_update", {"f32[4]", gradient}, with({momentum})), "f32[4]");
    EXPECT_EQ(infer("momentum_update", {"f32[4]", gradient, "f32[4]"},
                    updated({momentum}, "weight_decay", 0.1)),
              "f32[4]");
    EXPECT_EQ(infer("moving_average", {"f32[4]", gradient}, with({decay})), "f32[4]");
    EXPECT_EQ(infer("moving_average_of_squares", {"f32[4]", gradient}, with({decay})), "f32[4]");
  }
  EXPECT_EQ(infer("sgd_update", {"bf16[4]", "bf16[4]"}, with({rate})),
            "sgd_update works on f32 only; got bf16[4]; cast it to f32");
  EXPECT_EQ(infer("moving_average", {"f32[4]", "i32[4]"}, with({decay})),
            "moving_average works on floats only; got i32[4]; cast it to f32");
  EXPECT_EQ(blamed("moving_average", {"f32[4]", "i32[4]"}, with({decay})), 1U);
  EXPECT_EQ(infer("matmul_sgd_update", {"f32[2, 4]", "bf16[2, 3]", "bf16[3, 4]"}, with({rate})),
            "matmul_sgd_update works on f32 only; got bf16[2, 3]; cast it to f32");
}

// What a host needs to widen operands in stays bounded, whatever their sizes.
TEST(ElementRules, ScratchMemoryOfHostsIsBounded) {
  const auto host_bytes = [](std::string_view op, const std::vector<std::string_view>& inputs,
                             const Attributes& attributes) {
    const std::vector<TensorType> results =
        infer_types(*find_op(op), types(inputs), attributes).value();
    return scratch_bytes(*find_op(op), true, types(inputs), results, attributes);
  };
  constexpr int64_t kMost = int64_t{64} << 20;
  EXPECT_EQ(host_bytes("matmul", {"f32[9999, 9999]", "f32[9999, 9999]"}, {}), 0);
  EXPECT_EQ(host_bytes("matmul", {"bf16[2, 3]", "bf16[3, 4]"}, {}), 4 * (2 * 3 + 3 * 4 + 2 * 4));
  for (const std::string_view side : {"bf16[8192, 8192]", "bf16[99999, 99999]"}) {
    const int64_t num_bytes = host_bytes("matmul", {side, side}, {});
    EXPECT_GT(num_bytes, 0);
    EXPECT_LT(num_bytes, kMost);
  }
  const std::vector<std::string_view> rows = {"bf16[7, 1000000]", "i64[7]"};
  const Attributes table = with({{"rows", int64_t{1'000'000}}});
  EXPECT_GT(host_bytes("embedding_grad", rows, table), 0);
  EXPECT_LT(host_bytes("embedding_grad", rows, table), kMost);
  EXPECT_EQ(
      host_bytes("embedding_grad", rows, updated({{"rows", int64_t{1'000'000}}}, "to", "f32")), 0);
}

}  // namespace
}  // namespace graphrt
