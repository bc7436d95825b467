#pragma once

#include <vector>

#include "extreme_cases.h"

namespace graphrt {

/// Of losses and metrics over labels: far logits, labels that do not count, shares of labels.
std::vector<ExtremeCase> extreme_label_cases();

}  // namespace graphrt
