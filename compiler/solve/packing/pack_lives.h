#pragma once

#include "compiler/solve/packing/interval_packing.h"

namespace graphc {

/// pack(problem), and where that is above `bound_bytes` and every conflict is an overlap of these
/// lives, pack_intervals over them, too; the smaller of both. Keeping apart what overlaps keeps
/// conflicts apart then, and what is a time line can be searched exactly.
///
/// Requires: lives for all requests.
/// Cost:     that of pack, and some ten milliseconds where it is not enough.
Packing pack_with_lives(const PackingProblem& problem, int64_t bound_bytes,
                        const IdVector<RequestId, LiveInterval>& lives);

/// pack_intervals with the budget of one arena of many.
Packing pack_lives(const IdVector<RequestId, int64_t>& size_bytes,
                   const IdVector<RequestId, LiveInterval>& lives, int64_t bound_bytes);

}  // namespace graphc
