#pragma once

#include <optional>
#include <string>

#include "compiler/vocabulary.h"

namespace graphc {

// Numbers that a state starts from are computed with as its elements: what does not stay what it is
// when it is rounded to them is refused. Each gives the reason, or nothing where there is none.

/// `text` is how `number` is written.
std::optional<std::string> find_bad_constant(double number, const std::string& text,
                                             ElementType element);
/// Of one end of a uniform distribution.
std::optional<std::string> find_bad_end(double number, const std::string& text);
/// That there is nothing in [low, high) of f32.
std::optional<std::string> find_bad_ends(double low, double high);

}  // namespace graphc
