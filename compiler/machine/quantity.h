#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/vocabulary.h"

namespace graphc {

/// Quantities in machine files: a number and its unit, without exponent. What is printed reads back
/// to the same value.

/// `49TFLOP/s`, `1.6GFLOP/s`: operations per second, with K, M, G, T (decimal) or nothing.
/// Errors: no such unit (the hint names them), not above 0.
Result<double> parse_flop_rate(std::string_view text);
std::string print_flop_rate(double flops_per_s);

/// `200GB/s`: bytes per second, decimal like parse_flop_rate.
Result<double> parse_byte_rate(std::string_view text);
std::string print_byte_rate(double bytes_per_s);

/// `240GiB`: bytes, with KiB, MiB, GiB, TiB (binary) or B. Errors: also GB and the like, which are
/// ambiguous.
Result<int64_t> parse_memory(std::string_view text);
std::string print_memory(int64_t num_bytes);

/// `0.1us`: nanoseconds, with ns, us, ms or s; 0 is allowed.
Result<int64_t> parse_duration(std::string_view text);
std::string print_duration(int64_t duration_ns);

}  // namespace graphc
