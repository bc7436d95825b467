#pragma once

#include <cublasLt.h>

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace graphrt::cuda {

/// What a product is made of and computed in.
struct ProductTypes {
  cublasComputeType_t compute;
  cudaDataType_t operands;
  cudaDataType_t result;
};

/// An algorithm of cuBLASLt by its settings: `id=21 tile=20 stages=8 split_k=1 reduction=0
/// swizzle=0 custom=0 inner=0 cluster=0`.
Result<std::string> algorithm_text(const cublasLtMatmulAlgo_t& algorithm);

/// The algorithm that such a text stands for; whether it can do a product is for
/// cublasLtMatmulAlgoCheck to say.
/// Errors: another text (kInput); an algorithm that this cuBLASLt does not know (kMachine).
Result<cublasLtMatmulAlgo_t> parse_algorithm(std::string_view text, cublasLtHandle_t blas,
                                             const ProductTypes& types);

}  // namespace graphrt::cuda
