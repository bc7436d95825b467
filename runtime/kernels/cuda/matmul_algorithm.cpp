#include "runtime/kernels/cuda/matmul_algorithm.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

/// One of the settings that make up an algorithm.
struct Setting {
  std::string_view name;
  cublasLtMatmulAlgoConfigAttributes_t attribute;
  size_t num_bytes;
};

constexpr std::array kSettings = {
    Setting{"id", CUBLASLT_ALGO_CONFIG_ID, 4},
    Setting{"tile", CUBLASLT_ALGO_CONFIG_TILE_ID, 4},
    Setting{"stages", CUBLASLT_ALGO_CONFIG_STAGES_ID, 4},
    Setting{"split_k", CUBLASLT_ALGO_CONFIG_SPLITK_NUM, 4},
    Setting{"reduction", CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, 4},
    Setting{"swizzle", CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, 4},
    Setting{"custom", CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, 4},
    Setting{"inner", CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, 2},
    Setting{"cluster", CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, 2},
};

constexpr const char* kWhatToDo = "; measure this machine with graphprobe and compile for it";

using Values = std::array<uint32_t, kSettings.size()>;

Result<Values> parse_values(std::string_view text) {
  const std::vector<std::string_view> words = split(text, ' ');
  Values values{};
  bool fits = words.size() == kSettings.size();
  for (size_t i = 0; fits && i < words.size(); ++i) {
    const std::string start = std::string(kSettings[i].name) + "=";
    fits = words[i].starts_with(start);
    if (!fits) break;
    const std::string_view number = words[i].substr(start.size());
    const auto parsed = std::from_chars(number.begin(), number.end(), values[i]);
    fits = parsed.ec == std::errc() && parsed.ptr == number.end() &&
           (kSettings[i].num_bytes == 4 || values[i] <= UINT16_MAX);
  }
  if (fits) return values;
  return input_error("'" + std::string(text) +
                     "' is not an algorithm as graphprobe writes it: id=N tile=N stages=N ...");
}

}  // namespace

Result<std::string> algorithm_text(const cublasLtMatmulAlgo_t& algorithm) {
  std::vector<std::string> words;
  for (const Setting& setting : kSettings) {
    uint32_t value = 0;  // the machine is little-endian: the low bytes are the first
    size_t num_written = 0;
    CUDA_TRY(cublasLtMatmulAlgoConfigGetAttribute(&algorithm, setting.attribute, &value,
                                                  setting.num_bytes, &num_written));
    words.push_back(std::string(setting.name) + "=" + std::to_string(value));
  }
  return join(words, " ");
}

Result<cublasLtMatmulAlgo_t> parse_algorithm(std::string_view text, cublasLtHandle_t blas,
                                             const ProductTypes& types) {
  TRY(const Values values, parse_values(text));
  cublasLtMatmulAlgo_t algorithm{};
  const cublasStatus_t status =
      cublasLtMatmulAlgoInit(blas, types.compute, CUDA_R_32F, types.operands, types.operands,
                             types.result, types.result, static_cast<int>(values[0]), &algorithm);
  if (status != CUBLAS_STATUS_SUCCESS) {
    return machine_error("this cuBLASLt has no algorithm " + std::to_string(values[0]) + kWhatToDo);
  }
  for (size_t i = 1; i < kSettings.size(); ++i) {
    const cublasStatus_t set = cublasLtMatmulAlgoConfigSetAttribute(
        &algorithm, kSettings[i].attribute, &values[i], kSettings[i].num_bytes);
    if (set == CUBLAS_STATUS_SUCCESS) continue;
    return machine_error("algorithm " + std::to_string(values[0]) + " of this cuBLASLt takes no " +
                         std::string(kSettings[i].name) + "=" + std::to_string(values[i]) +
                         kWhatToDo);
  }
  return algorithm;
}

}  // namespace graphrt::cuda
