#pragma once

#include <cstdint>
#include <string>

namespace graphc {

// Quantities in machine files: a number and its unit, without exponent. What is printed reads back
// to the same value.

/// `49TFLOP/s`: operations per second, decimal.
std::string print_flop_rate(double flops_per_s);
/// `200GB/s`: bytes per second, decimal.
std::string print_byte_rate(double bytes_per_s);
/// `240GiB`: bytes, binary.
std::string print_memory(int64_t num_bytes);
/// `100ns`: of nanoseconds.
std::string print_duration(int64_t duration_ns);

}  // namespace graphc
