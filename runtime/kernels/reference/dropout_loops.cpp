#include "runtime/base/philox.h"
#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// Uniform in [0, 1): every block of Philox makes the numbers of four elements that follow one
/// another.
double random_number(uint64_t seed, int32_t step, uint64_t element) {
  const uint64_t block = element / 4;
  const auto words = philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                 static_cast<uint32_t>(step), 0},
                                {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return words[element % 4] * 0x1p-32;
}

}  // namespace

void dropout(Operands inputs, const Attributes& attributes, Results results) {
  const double rate = attributes.number("rate", 0);
  // Rounded, so that every back end gives the same bits.
  const auto factor = static_cast<float>(1 / (1 - rate));
  const auto seed = static_cast<uint64_t>(attributes.integer("seed", 0));
  const auto first = static_cast<uint64_t>(attributes.integer("first", 0));
  const int32_t step = inputs[1]->as<int32_t>()[0];
  std::vector<double> numbers = numbers_of(*inputs[0]);
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = random_number(seed, step, first + i) >= rate ? numbers[i] * factor : 0;
  }
  put_numbers(numbers, results[0]);
}

}  // namespace graphrt::reference
