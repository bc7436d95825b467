#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/vocabulary.h"

namespace graphc {

/// The numbers of a tensor as text: nested lists, or one number for all elements. Reading back what
/// was printed gives the same bits, of NaNs too.

/// Largest tensor that may be written as numbers in a graph.
inline constexpr int64_t kMaxLiteralBytes = int64_t{1} << 30;

/// Appends the bytes of one element. Returns what is wrong with `text`, or nothing.
/// Integers and finite numbers as usual, `nan`, `inf`, `-inf`, `nan(0x7fc00001)` for other NaNs.
std::optional<std::string> append_element(std::string_view text, ElementType element,
                                          std::vector<std::byte>& bytes);

/// `bytes` of one element, repeated for all elements of `type`.
std::vector<std::byte> repeated(std::span<const std::byte> bytes, const TensorType& type);

/// `[[1, 2], [3, 4]]`, or one number if all elements have the same bits.
/// Requires: as many bytes as the type has.
std::string print_literal(const TensorType& type, std::span<const std::byte> bytes);

}  // namespace graphc
