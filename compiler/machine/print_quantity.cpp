#include "compiler/machine/print_quantity.h"

#include <array>
#include <charconv>
#include <span>

#include "compiler/machine/units.h"

namespace graphc {
namespace {

/// Prints in the largest unit that gives a number of at least 1 and reads back exactly.
std::string print_quantity(double value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    const double number = value / unit.factor;
    if (number < 1 && unit.factor > 1) continue;
    std::array<char, 400> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                   std::chars_format::fixed)
                         .ptr;
    const std::string text(digits.data(), end);
    if (number * unit.factor == value) return text + std::string(unit.name);
  }
  return "";
}

/// Prints an integer in the largest unit of which it is a multiple.
std::string print_multiple(int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    const auto factor = static_cast<int64_t>(unit.factor);
    if (value % factor != 0 || (value == 0 && factor > 1)) continue;
    return std::to_string(value / factor) + std::string(unit.name);
  }
  return "";
}

}  // namespace

std::string print_flop_rate(double flops_per_s) { return print_quantity(flops_per_s, kFlopRates); }
std::string print_byte_rate(double bytes_per_s) { return print_quantity(bytes_per_s, kByteRates); }
std::string print_memory(int64_t num_bytes) { return print_multiple(num_bytes, kMemory); }
std::string print_duration(int64_t duration_ns) { return print_multiple(duration_ns, kDurations); }

}  // namespace graphc
