#pragma once

#include "compiler/solve/schedule/memory_demand.h"

namespace graphc {

/// An order of all tasks, consistent with the edges of distance 0, that run one after the other use
/// little memory: of several constructors the order with the least bytes above the budgets, then
/// the lowest peaks, improved around its peak.
///
/// Requires: edges of distance 0 form no cycle; a budget for every memory.
/// Cost:     up to 20'000 tasks O((tasks + edges) x ready tasks), above O(n log n); both with a
///           bounded number of evaluations of whole orders.
/// Source:   Sethi and Ullman, "The generation of optimal code for arithmetic expressions", 1970,
///           and Liu, "An application of generalized tree pebbling to sparse matrix factorization",
///           1987, for the orders of trees and for hills and valleys.
std::vector<TaskId> min_peak_order(const SchedulingProblem& problem, const MemoryDemand& demand,
                                   const IdVector<MemoryId, int64_t>& budget_bytes);

/// One interval with everything in stage 0 and one version of every value, within the budgets
/// wherever min_peak_order is; where min_peak_order is not, within the peak that min_peak_order has.
///
/// List scheduling as in list_schedule; but a task starts only when there is memory for it, and
/// when afterwards, once all that runs has ended, the rest can still be executed one task after the
/// other in the min-peak order. So it never gets stuck:
///
///   memory of 3    a and b write 2 each, c reads a and writes 1, d reads b and c
///   lane 0  [ a ][ c ]           starting b beside a needs 4
///   lane 1            [ b ][ d ]
///
/// Start and end times have these waits in them; the interval and the latency are those of the
/// lanes with the enforced edges alone, which do not know yet who takes whose bytes.
///
/// Where list_schedule alone keeps within the budgets, its order is the result.
///
/// Requires: as min_peak_order.
/// Cost:     O(tasks x (tasks + touched values)) up to 2000 tasks; above, only the next 1000
///           tasks of the min-peak order are looked at.
/// Source:   Dijkstra, "Een algorithme ter voorkoming van de dodelijke omarming" (EWD 108), 1965
///           (the banker's algorithm).
SchedulingSolution schedule_within(const SchedulingProblem& problem, const MemoryDemand& demand,
                                   const IdVector<MemoryId, int64_t>& budget_bytes);

}  // namespace graphc
