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
bool suits_cudnn(const KernelSpec& spec) {
  constexpr int64_t kWidthsOfCudnn = 8;
  const AttentionSizes sizes = attention_sizes(spec.inputs, kOperandsOfAttention);
  const bool all_see_some = !spec.attributes.flag("causal") || sizes.queries <= sizes.keys;
  return spec.result().element != ElementType::kF32 &&
         spec.inputs.size() <= kOperandsOfAttention.mask && all_see_some &&
         sizes.query_width % kWidthsOfCudnn == 0 && sizes.value_width % kWidthsOfCudnn == 0;
}

}  // namespace

KernelResult prepare_attention(const KernelSpec& spec) {
  TRY(auto own, make_attention(spec));
  if (!suits_cudnn(spec)) return own;
#ifdef GRAPHRT_HAS_CUDNN
  CudnnKernel cudnn = make_cudnn_attention(spec, own);
  if (cudnn.kernel) return std::move(cudnn.kernel);
  const std::string refusal = cudnn.refusal;
#else
  const std::string refusal = "its headers were not there when this program was built";
#endif
  return std::make_unique<AttentionInstead>(std::move(own),
                                            "attention runs without cuDNN, slower: " + refusal);
}

KernelResult prepare_attention_grad(const KernelSpec& spec) { return make_attention_grad(spec); }

}  // namespace graphrt::cuda
