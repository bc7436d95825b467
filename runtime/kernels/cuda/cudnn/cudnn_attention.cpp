// The forward pass alone: on GPUs before Blackwell, what cuDNN has of deterministic backward passes
// keeps a number for each pair of a query and a key.
#include "runtime/kernels/cuda/cudnn/cudnn_attention.h"

#include <cudnn_frontend.h>

#include <exception>
#include <unordered_map>

#include "runtime/kernels/cuda/cudnn/cudnn_library.h"
#include "runtime/op/attention.h"

namespace graphrt::cuda {
namespace {

namespace frontend = cudnn_frontend;
namespace graph = cudnn_frontend::graph;

/// Numbers that operands go by.
enum TensorNumber : int64_t { kQ = 1, kK, kV, kResult, kLogSum };

/// [B, rows, heads, width] in cuDNN's order of dimensions.
graph::Tensor_attributes tensor_of_heads(TensorNumber number, int64_t batch, int64_t heads,
                                         int64_t rows, int64_t width) {
  return graph::Tensor_attributes()
      .set_name("tensor" + std::to_string(number))
      .set_uid(number)
      .set_dim({batch, heads, rows, width})
      .set_stride({rows * heads * width, width, heads * width, 1});
}

std::shared_ptr<graph::Graph> attention_graph(const KernelSpec& spec) {
  const AttentionSizes sizes = attention_sizes(spec.inputs, kOperandsOfAttention);
  auto made = std::make_shared<graph::Graph>();
  made->set_io_data_type(spec.result().element == ElementType::kBF16
                             ? frontend::DataType_t::BFLOAT16
                             : frontend::DataType_t::HALF)
      .set_intermediate_data_type(frontend::DataType_t::FLOAT)
      .set_compute_data_type(frontend::DataType_t::FLOAT);
  const auto q =
      made->tensor(tensor_of_heads(kQ, sizes.batch, sizes.heads, sizes.queries, sizes.query_width));
  const auto k = made->tensor(
      tensor_of_heads(kK, sizes.batch, sizes.key_heads, sizes.keys, sizes.query_width));
  const auto v = made->tensor(
      tensor_of_heads(kV, sizes.batch, sizes.key_heads, sizes.keys, sizes.value_width));
  auto options = graph::SDPA_attributes()
                     .set_name("attention")
                     .set_generate_stats(true)
                     .set_attn_scale(attention_scale(sizes, spec.attributes));
  if (spec.attributes.flag("causal")) options.set_causal_mask_bottom_right(true);
  const auto [result, log_sum] = made->sdpa(q, k, v, options);
  const int64_t stride = sizes.heads * sizes.value_width;
  result->set_output(true)
      .set_uid(kResult)
      .set_dim({sizes.batch, sizes.heads, sizes.queries, sizes.value_width})
      .set_stride({sizes.queries * stride, sizes.value_width, stride, 1});
  log_sum->set_output(true).set_uid(kLogSum).set_data_type(frontend::DataType_t::FLOAT);
  return made;
}

class CudnnAttention : public CudaKernel {
 public:
  CudnnAttention(std::shared_ptr<graph::Graph> made, CudnnHandle& cudnn,
                 std::unique_ptr<const CudaKernel> otherwise)
      : graph_(std::move(made)), cudnn_(cudnn), otherwise_(std::move(otherwise)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    if (!are_aligned(kAlignment, at.inputs[0], at.inputs[1], at.inputs[2], at.results[0],
                     at.results[1])) {
      return otherwise_->launch(at, queue);
    }
    const auto address = [](const std::byte* operand) {
      return const_cast<void*>(static_cast<const void*>(operand));
    };
    std::unordered_map<int64_t, void*> operands = {{kQ, address(at.inputs[0])},
                                                   {kK, address(at.inputs[1])},
                                                   {kV, address(at.inputs[2])},
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

CudnnKernel make_cudnn_attention(const KernelSpec& spec,
                                 std::unique_ptr<const CudaKernel>& otherwise) {
  CudnnHandle& cudnn = cudnn_of_current_device();
  if (!cudnn.refusal.empty()) return {.refusal = cudnn.refusal};
  // What the library behind it throws is a refusal like any other.
  try {
    auto made = attention_graph(spec);
    std::string refusal = build(*made, cudnn, spec.scratch_bytes);
    if (!refusal.empty()) return {.refusal = std::move(refusal)};
    return {.kernel =
                std::make_unique<CudnnAttention>(std::move(made), cudnn, std::move(otherwise))};
  } catch (const std::exception& exception) {
    return {.refusal = exception.what()};
  }
}

}  // namespace graphrt::cuda
