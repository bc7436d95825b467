#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/vocabulary.h"

namespace graphc {

// Quantities in machine files: a number and its unit, without exponent.

/// `49TFLOP/s`, `1.6GFLOP/s`: operations per second, with K, M, G, T (decimal) or nothing.
/// Errors: no such unit (the hint names them), not above 0.
Result<double> parse_flop_rate(std::string_view text);

/// `200GB/s`: bytes per second, decimal like parse_flop_rate.
Result<double> parse_byte_rate(std::string_view text);

/// `240GiB`: bytes, with KiB, MiB, GiB, TiB (binary) or B. Errors: also GB and the like, which are
/// ambiguous.
Result<int64_t> parse_memory(std::string_view text);

/// `0.1us`: nanoseconds, with ns, us, ms or s; 0 is allowed.
Result<int64_t> parse_duration(std::string_view text);

}  // namespace graphc
