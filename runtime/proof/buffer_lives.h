#pragma once

#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/proof/plan_order.h"

namespace graphrt {

/// What an instruction reads of what one producer wrote.
struct ProducedRead {
  InstructionId reader;
  const Operand* operand = nullptr;
  InstructionId producer;
};

/// Who uses each buffer. What is filled at load and never written has no producer and no use here.
struct BufferUses {
  explicit BufferUses(const Plan& plan);

  IdVector<BufferId, std::vector<InstructionId>> writers;  ///< in the order of their rows
  IdVector<BufferId, std::vector<ProducedRead>> reads;     ///< in the order of their readers
};

/// Intervals between the write that a read names and the read.
int32_t span_of(const Plan& plan, const ProducedRead& read);

/// Whether every two accesses of different buffers of `group` to the same bytes are ordered as they
/// must be, without a look at every two of them.
///
/// A *life* is what one instruction writes in one step, with the reads of it. Where lives follow
/// each other on the same bytes, it is enough that each is over before the next is written:
///
///   bytes   write a, reads of a | write b, reads of b | write c      a before b, b before c
///
/// Order is transitive, so a is before c, too. Each life is compared with those that had its bytes
/// last, in some order that respects the plan's.
///
/// `true` is a proof. `false` says that an access is not ordered, or that the numbers of versions
/// have a common multiple above kMaxStepsInFlight.
/// Requires: the plan's structure is sound; each read in `uses` is after the write that it names.
/// Cost: O(period x lives x (log lives + lanes)), the period being that common multiple.
bool lives_follow_each_other(const Plan& plan, const BufferUses& uses, const PlanOrder& order,
                             const std::vector<BufferId>& group);

}  // namespace graphrt
