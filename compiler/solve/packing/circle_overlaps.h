#pragma once

#include <optional>
#include <vector>

#include "compiler/solve/packing/interval_packing.h"

/// Lives that come back every period, as plain values: no IR, no schedule.
///
///   period 0                 period 1                 period 2
///   a  [------)              [------)                 [----
///   b         [--)                  [--)                   [
///   c  -)              [-----:-)                [-----:-)        c meets a, b meets nobody
namespace graphc {

/// For every life, those that it meets in any period, sorted; nothing if that were more than
/// `max_pairs` pairs (of a life that is cut by the end of a period, both parts count).
/// Requires: period > 0. Cost: O(n log n + max_pairs).
std::optional<IdVector<RequestId, std::vector<RequestId>>> find_circle_overlaps(
    const IdVector<RequestId, LiveInterval>& lives, int64_t period, int64_t max_pairs);

/// The lives within one period: one that reaches over its end lasts for all of it.
IdVector<RequestId, LiveInterval> unrolled(const IdVector<RequestId, LiveInterval>& lives,
                                           int64_t period);

/// The most bytes in use at one time. Requires: period > 0; sizes and their sum are int64_t.
int64_t max_circle_load_bytes(const IdVector<RequestId, int64_t>& size_bytes,
                              const IdVector<RequestId, LiveInterval>& lives, int64_t period);

}  // namespace graphc
