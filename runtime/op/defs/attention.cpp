// Attention: softmax(q k^T) v by heads, and its gradients.
#include "runtime/op/attention.h"

#include <algorithm>
#include <array>

#include "runtime/op/defs/defs.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr std::array kAttention = {
    AttributeSpec{"causal", AttributeKind::kBool, false,
                  "(false): query t sees the keys up to number t + S - T"},
    AttributeSpec{"math", AttributeKind::kText, false,
                  ": of f32 operands, `f32`, `tf32` or `bf16`, see "
                  "[below](#precision-of-products)"},
    AttributeSpec{"scale", AttributeKind::kFloat, false,
                  "(1 / sqrt(D)): what q · k is multiplied with"}};

constexpr std::array kPackedAttention = {
    kAttention[0], AttributeSpec{"key_heads", AttributeKind::kInt, true, "(required): G"},
    kAttention[1], kAttention[2]};

constexpr std::array<std::string_view, 1> kMoreOfAttention = {"log_sum"};
constexpr std::array<std::string_view, 2> kMoreOfAttentionGrad = {"k", "v"};

/// q, k and v, of which the first is operand number `first`, fit each other.
std::optional<OpError> find_misfit_of_heads(Types inputs, size_t first) {
  constexpr size_t kRank = 4;
  const Types heads = inputs.subspan(first, 3);
  const std::string needs = "q[B, T, H, D], k[B, S, G, D] and v[B, S, G, E], H a multiple of G";
  for (size_t i = 0; i < heads.size(); ++i) {
    if (heads[i].shape.size() != kRank) return misfit(needs, heads, first + i);
  }
  const Shape& q = heads[0].shape;
  const Shape& k = heads[1].shape;
  const Shape& v = heads[2].shape;
  if (k[0] != q[0] || k[3] != q[3] || q[2] % k[2] != 0) return misfit(needs, heads, first + 1);
  if (!std::equal(k.begin(), k.end() - 1, v.begin())) return misfit(needs, heads, first + 2);
  return std::nullopt;
}

/// The one operand, number `at`, has as many heads as the attribute says, and heads of queries.
std::optional<OpError> find_misfit_of_packed(Types inputs, size_t at,
                                             const Attributes& attributes) {
  constexpr size_t kRank = 4;
  const Shape& shape = inputs[at].shape;
  const int64_t key_heads = attributes.integer("key_heads", 1);
  if (key_heads < 1) {
    return OpError{
        "needs `key_heads` of at least 1; got " + std::to_string(key_heads), {}, "key_heads"};
  }
  const bool fits = shape.size() == kRank && key_heads < shape[2] && shape[2] / 2 >= key_heads &&
                    shape[2] > 2 * key_heads && shape[2] % key_heads == 0;
  if (fits) return std::nullopt;
  return OpError{"needs qkv[B, T, H + 2 G, D], H a multiple of G = " + std::to_string(key_heads) +
                     "; got " + to_string(inputs[at]),
                 at};
}

/// Truth, or numbers that are added to the scores.
std::optional<OpError> find_misfit_of_mask(Types inputs, const AttentionOperands& operands,
                                           const Attributes& attributes) {
  const TensorType& mask = inputs[operands.mask];
  const ElementType element = inputs[operands.q].element;
  const AttentionSizes sizes = attention_sizes(inputs, operands, attributes);
  const Shape scores = {sizes.batch, sizes.heads, sizes.queries, sizes.keys};
  const bool has_type = mask.element == ElementType::kBool || mask.element == ElementType::kF32 ||
                        mask.element == element;
  if (has_type && broadcast_shape(mask.shape, scores) == scores) return std::nullopt;
  const std::string own =
      element == ElementType::kF32 ? "" : " or " + std::string(to_string(element));
  const std::string kinds = (own.empty() ? "bool or f32" : "bool, f32" + own);
  return OpError{"needs a mask of " + kinds + " that broadcasts to [B, H, T, S], here " +
                     to_string(scores) + "; got " + to_string(mask),
                 operands.mask};
}

std::optional<OpError> find_bad_math(ElementType element, const Attributes& attributes) {
  const std::string math(attributes.text("math", "f32"));
  if (!parse_product_math(math)) {
    return OpError{"needs `math` to be f32, tf32 or bf16; got " + math, {}, "math"};
  }
  if (element == ElementType::kF32 || attributes.find("math") == nullptr) return std::nullopt;
  return OpError{
      "takes `math` for f32 operands alone; got " + std::string(to_string(element)), {}, "math"};
}

/// What both operators ask of q, k, v, of a mask and of the attributes.
std::optional<OpError> find_misfit_of_attention(Types inputs, const AttentionOperands& operands,
                                                const Attributes& attributes) {
  const size_t end = std::min(inputs.size(), operands.v + 1);
  if (auto error = find_non_float(inputs.subspan(0, end))) return error;
  if (auto error = operands.are_packed() ? find_misfit_of_packed(inputs, operands.q, attributes)
                                         : find_misfit_of_heads(inputs, operands.q)) {
    return error;
  }
  if (inputs.size() > operands.mask) {
    if (auto error = find_misfit_of_mask(inputs, operands, attributes)) return error;
  }
  return find_bad_math(inputs[operands.q].element, attributes);
}

TensorType result_of_attention(Types inputs, const AttentionOperands& operands,
                               const Attributes& attributes) {
  const AttentionSizes sizes = attention_sizes(inputs, operands, attributes);
  return {inputs[operands.q].element, {sizes.batch, sizes.queries, sizes.heads, sizes.value_width}};
}

TensorType log_sum_of_attention(Types inputs, const AttentionOperands& operands,
                                const Attributes& attributes) {
  const AttentionSizes sizes = attention_sizes(inputs, operands, attributes);
  return {ElementType::kF32, {sizes.batch, sizes.heads, sizes.queries}};
}

template <const AttentionOperands& kOperands>
TypeResult type_of_attention(Types inputs, const Attributes& attributes) {
  if (auto error = find_misfit_of_attention(inputs, kOperands, attributes)) {
    return tl::unexpected(*std::move(error));
  }
  return result_of_attention(inputs, kOperands, attributes);
}

template <const AttentionOperands& kOperands>
std::vector<TensorType> more_types_of_attention(Types inputs, const TensorType&,
                                                const Attributes& attributes) {
  return {log_sum_of_attention(inputs, kOperands, attributes)};
}

template <const AttentionOperands& kOperands>
TypeResult type_of_attention_grad(Types inputs, const Attributes& attributes) {
  if (auto error = find_misfit_of_attention(inputs, kOperands, attributes)) {
    return tl::unexpected(*std::move(error));
  }
  const TensorType result = result_of_attention(inputs, kOperands, attributes);
  for (const size_t i : {kOperands.gradient(), kOperands.result()}) {
    if (inputs[i] == result) continue;
    return refuse("needs the gradient and the result of attention, " + to_string(result) +
                      "; got " + to_string(inputs[i]),
                  i);
  }
  const TensorType log_sum = log_sum_of_attention(inputs, kOperands, attributes);
  if (inputs[kOperands.log_sum()] == log_sum) return inputs[kOperands.q];
  return refuse("needs the log_sum of attention, " + to_string(log_sum) + "; got " +
                    to_string(inputs[kOperands.log_sum()]),
                kOperands.log_sum());
}

std::vector<TensorType> more_types_of_attention_grad(Types inputs, const TensorType&,
                                                     const Attributes&) {
  return {inputs[kOperandsOfAttentionGrad.k], inputs[kOperandsOfAttentionGrad.v]};
}

std::string_view rate_of_attention(ElementType element, const Attributes& attributes) {
  if (element != ElementType::kF32) return "matmul_16bit";
  switch (product_math(attributes)) {
    case ProductMath::kF32:
      break;
    case ProductMath::kTf32:
      return "matmul_tf32";
    case ProductMath::kBf16:
      return "matmul_bf16";
  }
  return "matmul_f32";
}

/// Two products for each pair of a query and a key, of which a causal one leaves out half.
Work work_of_products(Types inputs, const AttentionOperands& operands, Types results,
                      const Attributes& attributes) {
  const AttentionSizes sizes = attention_sizes(inputs, operands, attributes);
  const double num_pairs = static_cast<double>(sizes.batch) * static_cast<double>(sizes.heads) *
                           static_cast<double>(sizes.queries) * static_cast<double>(sizes.keys);
  const auto width = static_cast<double>(sizes.query_width + sizes.value_width);
  return {.rate = rate_of_attention(inputs[operands.q].element, attributes),
          .num_flops = 2 * num_pairs * width / (attributes.flag("causal") ? 2 : 1),
          .num_bytes = work_of_streaming(inputs, results, attributes).num_bytes};
}

template <const AttentionOperands& kOperands>
Work work_of_attention(Types inputs, Types results, const Attributes& attributes) {
  return work_of_products(inputs, kOperands, results, attributes);
}

/// Five products instead of two: the scores again, and four gradients.
template <const AttentionOperands& kOperands>
Work work_of_attention_grad(Types inputs, Types results, const Attributes& attributes) {
  Work work = work_of_products(inputs, kOperands, results, attributes);
  work.num_flops *= 2.5;
  return work;
}

/// Rows are those of the batch: heads and queries of one do not see those of another.
template <const AttentionOperands& kOperands>
std::vector<RowUse> rows_of_attention(Types inputs, const TensorType&, const Attributes&) {
  constexpr size_t kRankWithBatch = 4;
  std::vector<RowUse> uses(inputs.size(), RowUse::kSame);
  if (inputs.size() <= kOperands.mask) return uses;
  const Shape& mask = inputs[kOperands.mask].shape;
  const bool has_batch = mask.size() == kRankWithBatch && mask[0] > 1;
  uses[kOperands.mask] = has_batch ? RowUse::kSame : RowUse::kAll;
  return uses;
}

constexpr auto kFloatBytes = static_cast<int64_t>(sizeof(float));

template <const AttentionOperands& kOperands>
Scratch scratch_of_attention(Types inputs, Types, const Attributes& attributes) {
  const AttentionSizes sizes = attention_sizes(inputs, kOperands, attributes);
  const ElementType element = inputs[kOperands.q].element;
  return {.host_bytes = scratch_floats_of_attention(sizes, element) * kFloatBytes,
          .accelerator_bytes = element == ElementType::kF32 ? 0 : kAttentionWorkspaceBytes};
}

/// An accelerator keeps gradient · result of each query.
template <const AttentionOperands& kOperands>
Scratch scratch_of_attention_grad(Types inputs, Types, const Attributes& attributes) {
  const AttentionSizes sizes = attention_sizes(inputs, kOperands, attributes);
  const ElementType element = inputs[kOperands.q].element;
  const int64_t num_queries = sizes.batch * sizes.heads * sizes.queries;
  return {.host_bytes = scratch_floats_of_attention_grad(sizes, element) * kFloatBytes,
          .accelerator_bytes = num_queries * kFloatBytes};
}

}  // namespace

OpInfo op_attention() {
  return {.name = "attention",
          .operands =
              "q[B, T, H, D], k[B, S, G, D], v[B, S, G, E]: floats of one type, H a multiple of "
              "G; optionally a mask that broadcasts to [B, H, T, S], bool (true: seen) or floats "
              "(added)",
          .result =
              "[B, T, H, E]: softmax(`scale` · q k^T + mask) v of each head; query head h reads "
              "key head h / (H / G). Queries that see no key give 0. `.log_sum`, f32[B, H, T]: "
              "log(sum of exp(scores))",
          .min_inputs = 3,
          .max_inputs = 4,
          .attributes = kAttention,
          .type_rule = type_of_attention<kOperandsOfAttention>,
          .more_results = kMoreOfAttention,
          .more_types_rule = more_types_of_attention<kOperandsOfAttention>,
          .scratch_rule = scratch_of_attention<kOperandsOfAttention>,
          .work_rule = work_of_attention<kOperandsOfAttention>,
          .row_rule = rows_of_attention<kOperandsOfAttention>,
          .fixed_operands = 1U << kOperandsOfAttention.mask,
          .multiplies_tiles = true};
}

OpInfo op_attention_grad() {
  return {.name = "attention_grad",
          .operands =
              "gradient [B, T, H, E]; q, k, v as of attention; its result and its log_sum; its "
              "mask if it had one",
          .result = "gradient by q; `.k`, `.v`: those by k and v",
          .min_inputs = 6,
          .max_inputs = 7,
          .attributes = kAttention,
          .type_rule = type_of_attention_grad<kOperandsOfAttentionGrad>,
          .more_results = kMoreOfAttentionGrad,
          .more_types_rule = more_types_of_attention_grad,
          .scratch_rule = scratch_of_attention_grad<kOperandsOfAttentionGrad>,
          .work_rule = work_of_attention_grad<kOperandsOfAttentionGrad>,
          .row_rule = rows_of_attention<kOperandsOfAttentionGrad>,
          .multiplies_tiles = true};
}

OpInfo op_packed_attention() {
  return {.name = "packed_attention",
          .operands =
              "qkv[B, T, H + 2 G, D]: floats, q, k and v of attention along the axis of heads, "
              "G is `key_heads`; optionally a mask, as of attention",
          .result = "[B, T, H, D] and `.log_sum`, as of attention",
          .min_inputs = 1,
          .max_inputs = 2,
          .attributes = kPackedAttention,
          .type_rule = type_of_attention<kOperandsOfPackedAttention>,
          .more_results = kMoreOfAttention,
          .more_types_rule = more_types_of_attention<kOperandsOfPackedAttention>,
          .scratch_rule = scratch_of_attention<kOperandsOfPackedAttention>,
          .work_rule = work_of_attention<kOperandsOfPackedAttention>,
          .row_rule = rows_of_attention<kOperandsOfPackedAttention>,
          .fixed_operands = 1U << kOperandsOfPackedAttention.mask,
          .multiplies_tiles = true};
}

OpInfo op_packed_attention_grad() {
  return {.name = "packed_attention_grad",
          .operands =
              "gradient [B, T, H, D]; qkv as of packed_attention; its result and its log_sum; its "
              "mask if it had one",
          .result = "gradient by qkv",
          .min_inputs = 4,
          .max_inputs = 5,
          .attributes = kPackedAttention,
          .type_rule = type_of_attention_grad<kOperandsOfPackedAttentionGrad>,
          .scratch_rule = scratch_of_attention_grad<kOperandsOfPackedAttentionGrad>,
          .work_rule = work_of_attention_grad<kOperandsOfPackedAttentionGrad>,
          .row_rule = rows_of_attention<kOperandsOfPackedAttentionGrad>,
          .multiplies_tiles = true};
}

}  // namespace graphrt
