#include "runtime/kernels/cuda/attention_gradients.cuh"

namespace graphrt::cuda {

AttentionForms attention_in_f32(bool is_narrow) {
  using Math = ByF32;
  if (is_narrow) {
    return {forward_form<AttentionTile<Math, kNarrowHead, 2, 32>>(),
            {form_by_keys<AttentionTile<Math, kNarrowHead, 2, 32>>(),
             form_by_queries<AttentionTile<Math, kNarrowHead, 2, 32>>()}};
  }
  return {forward_form<AttentionTile<Math, kWidestHead, 1, 32>>(),
          {form_by_keys<AttentionTile<Math, kWidestHead, 1, 16>>(),
           form_by_queries<AttentionTile<Math, kWidestHead, 1, 16>>()}};
}

}  // namespace graphrt::cuda
