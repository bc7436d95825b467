// The forward pass alone: on GPUs before Blackwell, what cuDNN has of deterministic backward passes
// keeps a number for each pair of a query and a key.
#include "runtime/kernels/cuda/cudnn/cudnn_attention.h"

#include <cudnn_frontend.h>

#include <exception>
#include <unordered_map>

#include "runtime/kernels/cuda/attention.h"
#include "runtime/kernels/cuda/cudnn/cudnn_library.h"

namespace graphrt::cuda {
namespace {

namespace frontend = cudnn_frontend;
namespace graph = cudnn_frontend::graph;

/// Numbers that operands go by.
enum TensorNumber : int64_t { kQ = 1, kK, kV, kResult, kLogSum };

/// Heads of some rows for each of a batch, in cuDNN's order of dimensions; the rows are `stride`
/// elements apart.
graph::Tensor_attributes tensor_of_heads(TensorNumber number, const Shape& dimensions,
                                         int64_t stride) {
  return graph::Tensor_attributes()
      .set_name("tensor" + std::to_string(number))
      .set_uid(number)
      .set_dim(dimensions)
      .set_stride({dimensions[2] * stride, dimensions[3], stride, 1});
}

std::shared_ptr<graph::Graph> attention_graph(const KernelSpec& spec, const AttentionSizes& sizes) {
  auto made = std::make_shared<graph::Graph>();
  made->set_io_data_type(spec.result().element == ElementType::kBF16
                             ? frontend::DataType_t::BFLOAT16
                             : frontend::DataType_t::HALF)
      .set_intermediate_data_type(frontend::DataType_t::FLOAT)
      .set_compute_data_type(frontend::DataType_t::FLOAT);
  const auto q = made->tensor(tensor_of_heads(
      kQ, {sizes.batch, sizes.heads, sizes.queries, sizes.query_width}, sizes.query_stride));
  const auto k = made->tensor(tensor_of_heads(
      kK, {sizes.batch, sizes.key_heads, sizes.keys, sizes.query_width}, sizes.key_stride));
  const auto v = made->tensor(tensor_of_heads(
      kV, {sizes.batch, sizes.key_heads, sizes.keys, sizes.value_width}, sizes.value_stride));
  auto options = graph::SDPA_attributes()
                     .set_name("attention")
                     .set_generate_stats(true)
                     .set_attn_scale(attention_scale(sizes, spec.attributes));
  if (spec.attributes.flag("causal")) options.set_causal_mask_bottom_right(true);
  const auto [result, log_sum] = made->sdpa(q, k, v, options);
  const int64_t stride = sizes.result_stride();
  result->set_output(true)
      .set_uid(kResult)
      .set_dim({sizes.batch, sizes.heads, sizes.queries, sizes.value_width})
      .set_stride({sizes.queries * stride, sizes.value_width, stride, 1});
  log_sum->set_output(true).set_uid(kLogSum).set_data_type(frontend::DataType_t::FLOAT);
  return made;
}

class CudnnAttention : public CudaKernel {
 public:
  CudnnAttention(std::shared_ptr<graph::Graph> made, CudnnHandle& cudnn, const HeadPlaces& places,
                 std::unique_ptr<const CudaKernel> otherwise)
      : graph_(std::move(made)), cudnn_(cudnn), places_(places), otherwise_(std::move(otherwise)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto [q, k, v] = places_.in(at.inputs);
    if (!are_aligned(kAlignment, q, k, v, at.results[0], at.results[1])) {
      return otherwise_->launch(at, queue);
    }
    const auto address = [](const std::byte* operand) {
      return const_cast<void*>(static_cast<const void*>(operand));
    };
    std::unordered_map<int64_t, void*> operands = {{kQ, address(q)},
                                                   {kK, address(k)},
                                                   {kV, address(v)},
                                                   {kResult, at.results[0]},
                                                   {kLogSum, at.results[1]}};
    const std::lock_guard lock(cudnn_.mutex);
    if (::cudnnSetStream(cudnn_.handle, queue.stream) != CUDNN_STATUS_SUCCESS) {
      return machine_error("cudnnSetStream failed");
    }
    auto status = graph_->execute(cudnn_.handle, operands, at.scratch);
    if (status.is_good()) return {};
    return machine_error("cuDNN cannot launch attention: " + status.get_message());
  }

 private:
  static constexpr size_t kAlignment = 16;

  std::shared_ptr<graph::Graph> graph_;
  CudnnHandle& cudnn_;
  HeadPlaces places_;
  std::unique_ptr<const CudaKernel> otherwise_;
};

/// Why cuDNN does not take the graph with so much scratch memory; empty if it does.
std::string build(graph::Graph& made, CudnnHandle& cudnn, int64_t max_scratch_bytes) {
  const std::lock_guard lock(cudnn.mutex);
  auto status = made.build(cudnn.handle, {frontend::HeurMode_t::A});
  if (status.is_bad()) return status.get_message();
  int64_t scratch_bytes = 0;
  if (made.get_workspace_size(scratch_bytes).is_bad())
    return "the size of its workspace is unknown";
  if (scratch_bytes <= max_scratch_bytes) return "";
  return "it needs a workspace of " + std::to_string(scratch_bytes) + " bytes";
}

}  // namespace

CudnnKernel make_cudnn_attention(const KernelSpec& spec, const AttentionOperands& operands,
                                 std::unique_ptr<const CudaKernel>& otherwise) {
  CudnnHandle& cudnn = cudnn_of_current_device();
  if (!cudnn.refusal.empty()) return {.refusal = cudnn.refusal};
  // What the library behind it throws is a refusal like any other.
  try {
    const AttentionSizes sizes = attention_sizes(spec.inputs, operands, spec.attributes);
    auto made = attention_graph(spec, sizes);
    std::string refusal = build(*made, cudnn, spec.scratch_bytes);
    if (!refusal.empty()) return {.refusal = std::move(refusal)};
    const HeadPlaces places(operands, sizes, spec.result().element);
    return {.kernel = std::make_unique<CudnnAttention>(std::move(made), cudnn, places,
                                                       std::move(otherwise))};
  } catch (const std::exception& exception) {
    return {.refusal = exception.what()};
  }
}

}  // namespace graphrt::cuda
