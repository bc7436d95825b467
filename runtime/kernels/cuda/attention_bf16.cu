#include "runtime/kernels/cuda/attention_gradients.cuh"

namespace graphrt::cuda {

AttentionForms attention_in_bf16(bool is_narrow) {
  using Math = By16Bits<__nv_bfloat16>;
  if (is_narrow) {
    return {forward_form<AttentionTile<Math, kNarrowHead, 2, 64>>(),
            {form_by_keys<AttentionTile<Math, kNarrowHead, 1, 64>>(),
             form_by_queries<AttentionTile<Math, kNarrowHead, 2, 32>>()}};
  }
  return {forward_form<AttentionTile<Math, kWidestHead, 1, 64>>(),
          {form_by_keys<AttentionTile<Math, kWidestHead, 1, 64>>(),
           form_by_queries<AttentionTile<Math, kWidestHead, 1, 64>>()}};
}

}  // namespace graphrt::cuda
