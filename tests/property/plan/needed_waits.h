#pragma once

#include "runtime/plan/plan.h"

namespace graphrt {

/// Makes every two instructions that meet in some bytes wait for each other, as far as that is no
/// deadlock at sight: in the order of their numbers. Requires: numbers of versions divide 6.
void add_needed_waits(Plan& plan);

}  // namespace graphrt
