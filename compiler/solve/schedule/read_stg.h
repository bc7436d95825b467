#pragma once

#include <string>
#include <string_view>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// A graph of the Standard Task Graph Set on `num_processors` equal processors, as a loop whose
/// steps do not overlap: the last task is followed by the first of the next step, so the time per
/// step is the length of a schedule. A unit of time is a nanosecond.
///
///   50                      number of tasks, without the first and the last, which take no time
///   0  0  0                 task, time, number of those before it, these
///   1  9  1  0
///   ...
///
/// Blank lines and what follows `#` are skipped.
/// Requires: num_processors > 0.
/// Errors:   a line that is not of that form, with its number; tasks that are missing, or that
///           depend on themselves or on later ones (the format lists them in order).
/// Source:   Tobita and Kasahara, "A standard task graph set for fair evaluation of multiprocessor
///           scheduling algorithms", Journal of Scheduling 5(5), 2002.
Result<SchedulingProblem> parse_stg(std::string_view text, size_t num_processors);

}  // namespace graphc
