#pragma once

#include "compiler/memory/chains.h"
#include "compiler/memory/reuse_order.h"
#include "compiler/solve/packing/arena_packing.h"

namespace graphc {

/// For every chain, those that it conflicts with under a policy, sorted; nothing if more
/// than `max_pairs` pairs had to be looked at. Chains that overlap in the list are in each other's
/// way under every policy; beside them only those are looked at whose end is not enforced to come
/// before the beginning of another that the list has behind it.
/// Requires: `lives` are the listed lives of the chains.
/// Cost:     that of the answer, and of the square of the number of lanes for each chain.
std::optional<IdVector<RequestId, std::vector<RequestId>>> find_conflicts(
    const std::vector<Chain>& chains, const IdVector<RequestId, LiveInterval>& lives,
    const ReuseOrder& reuse, ReusePolicy policy, int64_t max_pairs);

}  // namespace graphc
