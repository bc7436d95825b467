#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "compiler/vocabulary.h"

namespace graphc {

/// The numbers of a tensor as text: `[[1, 2], [3, 4]]`, or one number if all elements have the same
/// bits. Reading back what was printed gives the same bits, of NaNs too.
/// Requires: as many bytes as the type has.
std::string print_literal(const TensorType& type, std::span<const std::byte> bytes);

}  // namespace graphc
