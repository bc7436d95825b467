#pragma once

#include <string>
#include <vector>

namespace graphc {

/// The part of a dotted name that numbers a block of a model: `b3` of `grad.b3.n1`, the first part
/// with a digit that is not the last one; empty if there is none.
std::string block_of(const std::string& name);

/// A list of names in one line that can be read: a few as they are, joined by commas. Of more,
/// those that follow each other in one block are given by the first and the last, and blocks that
/// differ in their number alone are counted, as in `e, h0, b0.n1 ... b0.out (12 blocks alike),
/// loss`; of what is still too long, the middle is counted.
std::string folded_names(const std::vector<std::string>& names);

}  // namespace graphc
