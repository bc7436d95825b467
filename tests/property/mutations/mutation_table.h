#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/property/mutations/mutation_oracle.h"
#include "tests/property/plan/mutate.h"

namespace graphrt {

/// What became of the mutants of one kind.
struct MutantCounts {
  int64_t num_places = 0;       ///< where the plans could be changed in this way
  int64_t num_judged = 0;       ///< of those, how many were tried
  int64_t num_broken = 0;       ///< refused for their structure
  int64_t num_refused = 0;      ///< refused for their order, and wrong in an execution
  int64_t num_equivalent = 0;   ///< accepted, and right in all executions
  int64_t num_other_value = 0;  ///< the same, but their operands name other values than before
  int64_t num_missed = 0;       ///< accepted, and wrong in an execution
  int64_t num_overrefused = 0;  ///< refused for their order, and right in all executions
  int64_t num_unrolled = 0;     ///< also given to the unrolled checker
};

/// Mutants of many plans, counted by kind.
class MutationTable {
 public:
  /// At most `max_per_kind` mutants of each kind of a plan, evenly spread over its places; of
  /// waits, all; under sanitizers a third of these. Every `unrolled_period`-th of them is judged by
  /// the unrolled checker, too.
  MutationTable(std::string corpus, int64_t max_per_kind, int64_t unrolled_period);

  /// Fails the test, with `name` and the mutation, where a mutant is missed or refused without
  /// reason, where a mutant of a wait is accepted, or where both oracles differ.
  void add(const std::string& name, const Plan& plan);

  const std::map<MutationKind, MutantCounts>& rows() const { return rows_; }
  std::string text() const;

 private:
  void add_kind(const std::string& name, const Plan& plan, MutationKind kind);
  void judge_mutant(const Plan& mutant, MutationKind kind);

  std::string corpus_;
  int64_t max_per_kind_;
  int64_t unrolled_period_;
  int64_t num_plans_ = 0;
  std::map<MutationKind, MutantCounts> rows_;
};

}  // namespace graphrt
