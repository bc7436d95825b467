#pragma once

#include <cstdint>

namespace graphrt {

/// embedding_grad adds up the rows of an index in the order of the indices, in double, and rounds
/// to f32 after every so many indices and at the end: kernels that do so give the same bits, and
/// need no table of doubles.
inline constexpr int64_t kIndicesPerRounding = 8192;

}  // namespace graphrt
