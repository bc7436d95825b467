#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/vocabulary.h"

/// Reading the numbers of a tensor, as print_literal writes them.
namespace graphc {

/// What all tensors that are written as numbers in one graph may take together.
inline constexpr int64_t kMaxLiteralBytes = int64_t{1} << 26;

/// What is left of kMaxLiteralBytes while a graph is read. One number may stand for all elements of
/// a tensor, so a short text could ask for any amount of memory.
class LiteralBudget {
 public:
  /// Takes the bytes of a tensor, unless they are too many: then returns why.
  std::optional<std::string> take(const TensorType& type);

 private:
  int64_t taken_bytes_ = 0;
};

/// Appends the bytes of one element. Returns what is wrong with `text`, or nothing.
/// Integers and finite numbers as usual, `nan`, `inf`, `-inf`, `nan(0x7fc00001)` for other NaNs;
/// `true`, `false`, 1 and 0 for bool.
std::optional<std::string> append_element(std::string_view text, ElementType element,
                                          std::vector<std::byte>& bytes);

/// `bytes` of one element, repeated for all elements of `type`.
std::vector<std::byte> repeated(std::span<const std::byte> bytes, const TensorType& type);

}  // namespace graphc
