#pragma once

#include "compiler/solve/schedule/list_scheduler.h"
#include "runtime/proof/lane_program.h"

namespace graphc {

/// The edges of the problem, and for every version count the edges from its readers to the writer
/// that takes the same version again.
std::vector<SchedulingEdge> enforced_edges(const SchedulingProblem& problem,
                                           const IdVector<VersionedId, int32_t>& versions);

/// The fewest versions of every value for which, at these start times and this interval, no writer
/// has to wait for a reader of an earlier step; two where a copy would come close to waiting.
IdVector<VersionedId, int32_t> fewest_versions(const SchedulingProblem& problem,
                                               const SchedulingSolution& solution,
                                               int64_t interval_ns);

/// The first and the last task of the launch that a task is started in.
struct LaunchEnds {
  IdVector<TaskId, TaskId> first;
  IdVector<TaskId, TaskId> last;
};
LaunchEnds launch_ends(const SchedulingSolution& solution);

/// The solution's lanes with one wait for every edge that crosses lanes; of several on the same
/// lane and distance only the latest. The first task of a launch waits for all of it, and others
/// wait for the last one.
LaneProgram with_all_waits(const SchedulingProblem& problem, const SchedulingSolution& solution,
                           const std::vector<SchedulingEdge>& edges);

/// A wait and who has it.
struct PlacedWait {
  Position at;
  Wait wait;
};
/// Gives the program these waits, of several of one instruction on the same lane and distance only
/// the latest. Requires: it has none.
void add_waits(LaneProgram& program, std::vector<PlacedWait> waits);

/// Where every task stands.
IdVector<TaskId, Position> positions_of(const SchedulingSolution& solution);

}  // namespace graphc
