#pragma once

#include "compiler/solve/schedule/memory_use.h"

namespace graphc {

/// An order no worse than `order` by cost_of: around the fullest moment of the fullest memory, what
/// allocates goes behind it and what frees goes before it, each with the tasks that have to go
/// along, as long as that helps.
///
/// Cost: at most `max_evaluations` times cost_of.
std::vector<TaskId> improved_order(const OrderProblem& problem, std::vector<TaskId> order,
                                   int64_t max_evaluations);

}  // namespace graphc
