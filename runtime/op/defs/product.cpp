// Products of matrices.
#include "runtime/op/defs/defs.h"

#include <algorithm>

#include "runtime/op/product_math.h"
#include "runtime/op/row_rules.h"
#include "runtime/op/scratch_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr auto kAnd = " and ";

constexpr std::array kProduct = {
    AttributeSpec{"alpha", AttributeKind::kFloat, false, "(1; not 0): what a b is multiplied with"},
    AttributeSpec{"math", AttributeKind::kText, false,
                  ": `f32`, `tf32` or `bf16`, see [below](#precision-of-products)"},
    AttributeSpec{"relu", AttributeKind::kBool, false, "(false): applied last"},
    AttributeSpec{"to", AttributeKind::kText, false, "(that of a and b): the type of elements"},
    AttributeSpec{"transpose_a", AttributeKind::kBool, false,
                  "(false): the last two dimensions of a are swapped first"},
    AttributeSpec{"transpose_b", AttributeKind::kBool, false, "(false): those of b"}};
constexpr std::array kProductUpdate = {
    AttributeSpec{"learning_rate", AttributeKind::kFloat, true, "(required)"},
    AttributeSpec{"math", AttributeKind::kText, false, ", as above"},
    AttributeSpec{"transpose_a", AttributeKind::kBool, false, "(false)"},
    AttributeSpec{"transpose_b", AttributeKind::kBool, false, "(false)"}};

bool same_batch_dimensions(const Shape& a, const Shape& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
}

std::string matmul_pattern(const char* name, const char* rows, const char* columns,
                           const char* leading) {
  return std::string(name) + "[" + leading + rows + ", " + columns + "]";
}

/// Says which shapes would have fitted, with the transposes that were asked for.
std::string matmul_message(Types inputs, const Attributes& attributes) {
  const bool is_batched = inputs[0].rank() > 2 || inputs[1].rank() > 2;
  const char* leading = is_batched ? "..., " : "";
  const std::string a = attributes.flag("transpose_a") ? matmul_pattern("a", "K", "M", leading)
                                                       : matmul_pattern("a", "M", "K", leading);
  const std::string b = attributes.flag("transpose_b") ? matmul_pattern("b", "N", "K", leading)
                                                       : matmul_pattern("b", "K", "N", leading);
  return "needs " + a + kAnd + b +
         (is_batched ? " with the same leading dimensions; got " : "; got ") +
         to_string(inputs[0]) + kAnd + to_string(inputs[1]);
}

/// Requires: both operands are of the same type of floats.
TypeResult type_of_product(Types inputs, const Attributes& attributes) {
  const std::string_view math = attributes.text("math", "f32");
  if (attributes.number("alpha", 1) == 0) {
    return refuse_attribute("alpha", "needs an alpha other than 0");
  }
  if (!parse_product_math(math)) {
    return refuse_attribute("math",
                            "needs `math` to be f32, tf32 or bf16; got " + std::string(math));
  }
  if (inputs[0].element != ElementType::kF32 && math != "f32") {
    return refuse_attribute("math", "takes `math` " + std::string(math) +
                                        " with operands of f32 only; of " + to_string(inputs[0]) +
                                        " the sums are f32: leave it out");
  }
  const Shape& a = inputs[0].shape;
  const Shape& b = inputs[1].shape;
  if (a.size() < 2) return refuse(matmul_message(inputs, attributes), 0);
  if (b.size() < 2 || !same_batch_dimensions(a, b)) {
    return refuse(matmul_message(inputs, attributes), 1);
  }
  const bool transpose_a = attributes.flag("transpose_a");
  const bool transpose_b = attributes.flag("transpose_b");
  const int64_t m = a[a.size() - (transpose_a ? 1 : 2)];
  const int64_t k_of_a = a[a.size() - (transpose_a ? 2 : 1)];
  const int64_t k_of_b = b[b.size() - (transpose_b ? 1 : 2)];
  const int64_t n = b[b.size() - (transpose_b ? 2 : 1)];
  if (k_of_a != k_of_b) return refuse(matmul_message(inputs, attributes), 1);
  Shape result(a.begin(), a.end() - 2);
  result.push_back(m);
  result.push_back(n);
  return TensorType{inputs[0].element, std::move(result)};
}

/// What is added to a product that gives `result`, as operand number `i`: a bias [N] that every row
/// gets, and behind it a matrix.
std::optional<OpError> find_misfit_of_addend(Types inputs, size_t i, const TensorType& result) {
  const TensorType bias{result.element, {result.shape.back()}};
  const bool may_be_bias = i == 2;
  const bool may_be_matrix = may_be_bias || inputs[i - 1].rank() == 1;
  if (inputs[i] == bias && may_be_bias) return std::nullopt;
  if (inputs[i] == result && may_be_matrix) return std::nullopt;
  if (!may_be_matrix) return OpError{"adds one matrix to a product; got two", i};
  const bool would_fit =
      inputs[i].shape == result.shape || (may_be_bias && inputs[i].shape == bias.shape);
  return OpError{
      "gives " + to_string(result) + " and needs " +
          (may_be_bias ? to_string(bias) + " as its bias, or as much to add" : "as much to add") +
          "; got " + to_string(inputs[i]) +
          (would_fit ? "; cast it to " + std::string(to_string(result.element)) : ""),
      i};
}

/// a, b and, optionally, what is added to the product.
TypeResult type_of_matmul(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_float(inputs.first(2))) return tl::unexpected(*std::move(error));
  TypeResult product = type_of_product(inputs, attributes);
  if (!product) return product;
  TypeResult result = as_asked(*product, attributes);
  for (size_t i = 2; result && i < inputs.size(); ++i) {
    if (auto error = find_misfit_of_addend(inputs, i, *result)) {
      return tl::unexpected(*std::move(error));
    }
  }
  return result;
}

/// w, a and b, all of rank 2: w has the type of the product.
TypeResult type_of_matmul_update(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].rank() == 2) continue;
    return refuse("needs w, a and b of 2 dimensions; got " + to_string(inputs[i]), i);
  }
  TypeResult product = type_of_product(inputs.subspan(1), attributes);
  if (!product) {
    if (product.error().input) ++*product.error().input;
    return product;
  }
  if (inputs[0] == *product) return product;
  return refuse(
      "needs w of the product's type " + to_string(*product) + "; got " + to_string(inputs[0]), 0);
}

std::string_view rate_of(ProductMath math) {
  switch (math) {
    case ProductMath::kF32:
      break;
    case ProductMath::kTf32:
      return "matmul_tf32";
    case ProductMath::kBf16:
      return "matmul_bf16";
  }
  return "matmul_f32";
}

int64_t num_terms_of(const TensorType& a, const Attributes& attributes) {
  return a.shape[a.shape.size() - (attributes.flag("transpose_a") ? 2 : 1)];
}

/// 2 M N K operations for each product of matrices, at the rate of its `math`: `matmul_f32`,
/// `matmul_tf32` or `matmul_bf16`; of operands of 16 bits, `matmul_16bit`.
Work work_of_matmul(Types inputs, Types results, const Attributes& attributes) {
  const int64_t k = num_terms_of(inputs[0], attributes);
  const bool is_f32 = inputs[0].element == ElementType::kF32;
  return {.rate = is_f32 ? rate_of(product_math(attributes)) : "matmul_16bit",
          .num_flops = 2 * static_cast<double>(results[0].num_elements()) * static_cast<double>(k),
          .num_bytes = work_of_streaming(inputs, results, attributes).num_bytes};
}

/// The same for the product of the last two operands; `w` is read besides.
Work work_of_matmul_update(Types inputs, Types results, const Attributes& attributes) {
  Work work = work_of_matmul(inputs.subspan(1), results, attributes);
  work.num_bytes += static_cast<double>(inputs[0].size_bytes());
  return work;
}

Scratch scratch_of_matmul(Types inputs, Types results, const Attributes& attributes) {
  const int64_t num_terms = num_terms_of(inputs[0], attributes);
  Scratch scratch = scratch_of_product(num_terms, results[0]);
  const bool is_f32 =
      inputs[0].element == ElementType::kF32 && results[0].element == ElementType::kF32;
  if (!is_f32) scratch.host_bytes = scratch_of_tiles(num_terms, results[0]);
  if (needs_wide_product(inputs, results[0])) {
    scratch.accelerator_bytes += bytes_of_wide_product(results[0].num_elements());
  }
  return scratch;
}

Scratch scratch_of_matmul_update(Types inputs, Types results, const Attributes& attributes) {
  return scratch_of_product(num_terms_of(inputs[1], attributes), results[0]);
}

/// Rows of a[M, K] b[K, N] need the same rows of a and of a matrix that is added, and all of b and
/// of a bias; of several products, each pair.
std::vector<RowUse> rows_of_matmul(std::span<const TensorType> inputs, const TensorType& result,
                                   const Attributes& attributes) {
  if (result.rank() > 2) return rows_of_elementwise(inputs, result, attributes);
  if (attributes.flag("transpose_a")) return {};
  std::vector<RowUse> uses(inputs.size(), RowUse::kAll);
  uses[0] = RowUse::kSame;
  if (const auto matrix = product_addends(inputs).matrix) uses[*matrix] = RowUse::kSame;
  return uses;
}

/// The same for the product of the last two operands, and the same rows of `w`.
std::vector<RowUse> rows_of_matmul_update(std::span<const TensorType>, const TensorType&,
                                          const Attributes& attributes) {
  if (attributes.flag("transpose_a")) return {};
  return {RowUse::kSame, RowUse::kSame, RowUse::kAll};
}

/// a^T b, where both have a row for each of the batch, sums over the batch.
RowTotal total_of_matmul(Types inputs, const TensorType&, const Attributes& attributes) {
  const bool is_sum = inputs.size() == 2 && inputs[0].rank() == 2 && inputs[1].rank() == 2 &&
                      attributes.flag("transpose_a") && !attributes.flag("transpose_b") &&
                      !attributes.flag("relu");
  return is_sum ? RowTotal::kSum : RowTotal::kNone;
}

}  // namespace

OpInfo op_matmul() {
  return {.name = "matmul",
          .operands =
              "a[..., M, K], b[..., K, N]: float, of one type, same leading dimensions; "
              "optionally a bias [N] of the result's type, added to each row, and c[..., M, N] of "
              "that type",
          .result = "[..., M, N]: `alpha` · a b, and the bias, and c",
          .min_inputs = 2,
          .max_inputs = 4,
          .attributes = kProduct,
          .type_rule = type_of_matmul,
          .scratch_rule = scratch_of_matmul,
          .work_rule = work_of_matmul,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_matmul,
          .row_total_rule = total_of_matmul,
          .product_at = 0,
          .has_epilogue = true};
}

OpInfo op_matmul_sgd_update() {
  return {.name = "matmul_sgd_update",
          .operands = "w[M, N], a[M, K], b[K, N]: f32",
          .result = "w - `learning_rate` · a b",
          .min_inputs = 3,
          .max_inputs = 3,
          .attributes = kProductUpdate,
          .type_rule = type_of_matmul_update,
          .scratch_rule = scratch_of_matmul_update,
          .work_rule = work_of_matmul_update,
          .in_place = InPlace::kFirstOperand,
          .row_rule = rows_of_matmul_update,
          .product_at = 1};
}

}  // namespace graphrt
