#include "runtime/op/work_rules.h"

#include <algorithm>

#include "runtime/op/chain.h"
#include "runtime/op/product_math.h"

namespace graphrt {
namespace {

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

double bytes_of_all(std::span<const TensorType> inputs, const TensorType& result) {
  auto num_bytes = static_cast<double>(result.size_bytes());
  for (const TensorType& input : inputs) num_bytes += static_cast<double>(input.size_bytes());
  return num_bytes;
}

}  // namespace

Work work_of_streaming(std::span<const TensorType> inputs, const TensorType& result,
                       const Attributes&) {
  return {.rate = "", .num_flops = 0, .num_bytes = bytes_of_all(inputs, result)};
}

Work work_of_slice(std::span<const TensorType>, const TensorType& result, const Attributes&) {
  return {.rate = "", .num_flops = 0, .num_bytes = 2 * static_cast<double>(result.size_bytes())};
}

Work work_of_embedding(std::span<const TensorType> inputs, const TensorType& result,
                       const Attributes&) {
  const auto index_bytes = static_cast<double>(inputs[1].size_bytes());
  const auto result_bytes = static_cast<double>(result.size_bytes());
  return {.rate = "", .num_flops = 0, .num_bytes = index_bytes + 2 * result_bytes};
}

Work work_of_chain(std::span<const TensorType> inputs, const TensorType& result,
                   const Attributes& attributes) {
  Work work = work_of_streaming(inputs, result, attributes);
  const auto chain = parse_chain(attributes.text("formula", ""));
  if (!chain) return work;  // the type rule refuses it
  const auto num_slow = std::count_if(chain->steps.begin(), chain->steps.end(),
                                      [](const ChainStep& step) { return is_slow(step.function); });
  const auto num_more = static_cast<double>(std::max<int64_t>(num_slow - 1, 0));
  work.num_bytes += num_more * 2 * static_cast<double>(result.size_bytes());
  return work;
}

Work work_of_matmul(std::span<const TensorType> inputs, const TensorType& result,
                    const Attributes& attributes) {
  const Shape& a = inputs[0].shape;
  const int64_t k = a[a.size() - (attributes.flag("transpose_a") ? 2 : 1)];
  return {.rate = rate_of(product_math(attributes)),
          .num_flops = 2 * static_cast<double>(result.num_elements()) * static_cast<double>(k),
          .num_bytes = bytes_of_all(inputs, result)};
}

Work work_of_matmul_update(std::span<const TensorType> inputs, const TensorType& result,
                           const Attributes& attributes) {
  Work work = work_of_matmul(inputs.subspan(1), result, attributes);
  work.num_bytes += static_cast<double>(inputs[0].size_bytes());
  return work;
}

}  // namespace graphrt
