#include "runtime/kernels/cuda/hopper/warpgroup_attention.h"

#include "runtime/kernels/cuda/hopper/warpgroup_gradients.cuh"

namespace graphrt::cuda {
namespace {

template <class T>
AttentionGradientForms warpgroup_gradients(bool is_narrow) {
  if (is_narrow) {
    return {warpgroup_form_by_keys<WarpgroupTile<T, kNarrowHead, 2>>(),
            warpgroup_form_by_queries<WarpgroupTile<T, kNarrowHead, 3>>()};
  }
  return {warpgroup_form_by_keys<WarpgroupTile<T, kWidestHead, 2>>(),
          warpgroup_form_by_queries<WarpgroupTile<T, kWidestHead, 2>>()};
}

}  // namespace

AttentionGradientForms warpgroup_gradients_in_bf16(bool is_narrow) {
  return warpgroup_gradients<__nv_bfloat16>(is_narrow);
}
AttentionGradientForms warpgroup_gradients_in_f16(bool is_narrow) {
  return warpgroup_gradients<__half>(is_narrow);
}

}  // namespace graphrt::cuda
