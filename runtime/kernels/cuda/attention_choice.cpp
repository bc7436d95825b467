// Which kernels compute attention.
#include <string>

#include "runtime/kernels/cuda/attention.h"
#ifdef GRAPHRT_HAS_CUDNN
#include "runtime/kernels/cuda/cudnn/cudnn_attention.h"
#endif

namespace graphrt::cuda {
namespace {

/// Ours where cuDNN should have been faster, and why it is not there.
class AttentionInstead : public CudaKernel {
 public:
  AttentionInstead(std::unique_ptr<const CudaKernel> own, std::string note)
      : own_(std::move(own)), note_(std::move(note)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    return own_->launch(at, queue);
  }
  std::string note() const override { return note_; }

 private:
  std::unique_ptr<const CudaKernel> own_;
  std::string note_;
};

/// Where cuDNN is made for these operands, and gives what we promise: queries that see nothing are
/// left to us.
bool suits_cudnn(const KernelSpec& spec, const AttentionOperands& operands) {
  constexpr int64_t kWidthsOfCudnn = 8;
  const AttentionSizes sizes = attention_sizes(spec.inputs, operands, spec.attributes);
  const bool all_see_some = !spec.attributes.flag("causal") || sizes.queries <= sizes.keys;
  return spec.result().element != ElementType::kF32 && spec.inputs.size() <= operands.mask &&
         all_see_some && sizes.query_width % kWidthsOfCudnn == 0 &&
         sizes.value_width % kWidthsOfCudnn == 0;
}

KernelResult choose_attention(const KernelSpec& spec, const AttentionOperands& operands) {
  TRY(auto own, make_attention(spec, operands));
  if (!suits_cudnn(spec, operands)) return own;
#ifdef GRAPHRT_HAS_CUDNN
  CudnnKernel cudnn = make_cudnn_attention(spec, operands, own);
  if (cudnn.kernel) return std::move(cudnn.kernel);
  const std::string refusal = cudnn.refusal;
#else
  const std::string refusal = "its headers were not there when this program was built";
#endif
  return std::make_unique<AttentionInstead>(std::move(own),
                                            "attention runs without cuDNN, slower: " + refusal);
}

}  // namespace

KernelResult prepare_attention(const KernelSpec& spec) {
  return choose_attention(spec, kOperandsOfAttention);
}

KernelResult prepare_packed_attention(const KernelSpec& spec) {
  return choose_attention(spec, kOperandsOfPackedAttention);
}

KernelResult prepare_attention_grad(const KernelSpec& spec) {
  return make_attention_grad(spec, kOperandsOfAttentionGrad);
}

KernelResult prepare_packed_attention_grad(const KernelSpec& spec) {
  return make_attention_grad(spec, kOperandsOfPackedAttentionGrad);
}

}  // namespace graphrt::cuda
