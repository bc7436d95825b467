#include <gtest/gtest.h>

#include "op_test_support.h"

namespace graphrt {
namespace {

TEST(LayerRules, NormsWantAScaleForEachColumn) {
  EXPECT_EQ(infer("layer_norm", {"f32[5, 2, 3]", "f32[3]", "f32[3]"}), "f32[5, 2, 3]");
  EXPECT_EQ(infer("rms_norm", {"f32[3]", "f32[3]"}), "f32[3]");
  EXPECT_EQ(infer("layer_norm", {"f32[2, 3]", "f32[3]", "f32[2]"}),
            "layer_norm needs x[..., D], gamma[D] and beta[D]; got f32[2, 3], f32[3] and f32[2]");
  EXPECT_EQ(infer("rms_norm", {"f32[2, 3]", "f32[1, 3]"}),
            "rms_norm needs x[..., D] and gamma[D]; got f32[2, 3] and f32[1, 3]");
  EXPECT_EQ(infer("rms_norm", {"f32[]", "f32[]"}),
            "rms_norm needs x[..., D] and gamma[D]; got f32[] and f32[]");
  EXPECT_EQ(infer("rms_norm", {"f32[3]", "i32[3]"}),
            "rms_norm works on floats only; got i32[3]; cast it to f32");
  EXPECT_EQ(infer("rms_norm", {"f32[3]", "f32[3]"}, with({{"epsilon", -1.0}})),
            "rms_norm needs 0 <= epsilon; got -1");
  EXPECT_EQ(blamed("layer_norm", {"f32[2, 3]", "f32[3]", "f32[2]"}), 2U);
  EXPECT_EQ(blamed("layer_norm", {"f32[]", "f32[3]", "f32[3]"}), 0U);
}

TEST(LayerRules, GradientsOfNormsHaveTheTypesOfWhatTheyAreBy) {
  for (const std::string norm : {"layer_norm", "rms_norm"}) {
    EXPECT_EQ(infer(norm + "_grad", {"f32[2, 3]", "f32[2, 3]", "f32[3]"}), "f32[2, 3]");
    EXPECT_EQ(infer(norm + "_scale_grad", {"f32[5, 2, 3]", "f32[5, 2, 3]"}), "f32[3]");
    EXPECT_EQ(infer(norm + "_grad", {"f32[2, 3]", "f32[3]", "f32[3]"}),
              norm +
                  "_grad needs gradient[..., D] and x[..., D] of the same shape and gamma[D]; "
                  "got f32[2, 3], f32[3] and f32[3]");
    EXPECT_EQ(infer(norm + "_scale_grad", {"f32[]", "f32[]"}),
              norm +
                  "_scale_grad needs gradient[..., D] and x[..., D] of the same shape; got "
                  "f32[] and f32[]");
    EXPECT_EQ(blamed(norm + "_grad", {"f32[2, 3]", "f32[2, 3]", "f32[2]"}), 2U);
    EXPECT_EQ(blamed(norm + "_scale_grad", {"f32[2, 3]", "f32[3, 2]"}), 1U);
    EXPECT_EQ(infer(norm + "_scale_grad", {"f32[3]", "f32[3]"}, with({{"epsilon", -0.5}})),
              norm + "_scale_grad needs 0 <= epsilon; got -0.5");
  }
}

TEST(LayerRules, EmbeddingsTakeRowsOfATable) {
  EXPECT_EQ(infer("embedding", {"f32[100, 8]", "i32[4, 5]"}), "f32[4, 5, 8]");
  EXPECT_EQ(infer("embedding", {"f32[100, 8]", "i32[]"}), "f32[8]");
  EXPECT_EQ(infer("embedding", {"f32[100]", "i32[4]"}),
            "embedding needs table[V, D] and index[...]; got f32[100] and i32[4]");
  EXPECT_EQ(infer("embedding", {"f32[100, 8]", "f32[4]"}),
            "embedding needs an index of i32 or i64; got f32[4]; cast it to i32");
  EXPECT_EQ(blamed("embedding", {"i32[100, 8]", "i32[4]"}), 0U);
  EXPECT_EQ(blamed("embedding", {"f32[100, 8]", "f32[4]"}), 1U);
}

TEST(LayerRules, GradientsOfEmbeddingsHaveTheTableThatIsAskedFor) {
  const auto with_rows = [](int64_t rows) { return with({{"rows", rows}}); };
  EXPECT_EQ(infer("embedding_grad", {"f32[4, 5, 8]", "i32[4, 5]"}, with_rows(100)), "f32[100, 8]");
  EXPECT_EQ(infer("embedding_grad", {"f32[8]", "i32[]"}, with_rows(1)), "f32[1, 8]");
  EXPECT_EQ(infer("embedding_grad", {"f32[4, 8]", "i32[5]"}, with_rows(100)),
            "embedding_grad needs gradient[..., D] and index[...], one for each row; got "
            "f32[4, 8] and i32[5]");
  EXPECT_EQ(infer("embedding_grad", {"f32[4, 8]", "i32[4]"}, with_rows(0)),
            "embedding_grad needs 1 <= rows < 2147483648; got 0");
  EXPECT_EQ(infer("embedding_grad", {"f32[4, 8]", "i32[4]"}),
            "embedding_grad needs the attribute 'rows', an integer");
  EXPECT_EQ(blamed("embedding_grad", {"f32[]", "i32[]"}, with_rows(1)), 0U);
  EXPECT_EQ(blamed("embedding_grad", {"f32[4, 8]", "f32[4]"}, with_rows(1)), 1U);
}

TEST(LayerRules, DropoutWantsAShareAndAStep) {
  const auto with_rate = [](double rate) { return with({{"rate", rate}}); };
  EXPECT_EQ(infer("dropout", {"f32[2, 3]", "i32[]"}, with_rate(0)), "f32[2, 3]");
  EXPECT_EQ(infer("dropout", {"f32[2]", "i32[]"}, with_rate(1)),
            "dropout needs 0 <= rate < 1; got 1");
  EXPECT_EQ(infer("dropout", {"f32[2]", "i32[]"}, with_rate(-0.5)),
            "dropout needs 0 <= rate < 1; got -0.5");
  EXPECT_EQ(infer("dropout", {"f32[2]", "i32[]"}, with({{"rate", 0.5}, {"first", int64_t{-1}}})),
            "dropout needs 0 <= first < 9007199254740992; got -1");
  EXPECT_EQ(infer("dropout", {"f32[2]", "i32[1]"}, with_rate(0.5)),
            "dropout needs i32[] as its step; got i32[1]");
  EXPECT_EQ(infer("dropout", {"i32[2]", "i32[]"}, with_rate(0.5)),
            "dropout works on floats only; got i32[2]; cast it to f32");
  EXPECT_EQ(blamed("dropout", {"f32[2]", "f32[]"}, with_rate(0.5)), 1U);
}

}  // namespace
}  // namespace graphrt
