#include "compiler/machine/rates.h"

#include <string>

namespace graphc {

// Products that a device has no rate for are taken to be as slow as those of f32. Operands of 16
// bits keep the same units busy as those that are rounded to them on the way.
std::string_view rate_in_place_of(const Device& device, std::string_view rate) {
  const auto has = [&](std::string_view name) { return device.rates.contains(std::string(name)); };
  if (has(rate)) return rate;
  return rate == "matmul_16bit" && has("matmul_bf16") ? "matmul_bf16" : "matmul_f32";
}

}  // namespace graphc
