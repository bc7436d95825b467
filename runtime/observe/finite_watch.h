#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/base/tensor.h"
#include "runtime/session/session.h"

namespace graphrt {

/// Whether no element is a NaN or an infinity. Integers never are.
bool is_finite(const Tensor& tensor);

/// Where a computation left the numbers.
struct NonFinite {
  int64_t step = 0;
  std::string seen;  ///< what showed it: "output 'loss'", "state 'w1'"
  std::string
      source;  ///< where it comes from: "node 'fc2' (matmul of h1, w2)", or that it is unknown
};

/// What is not finite in the next step of the session comes from there: the first node whose value is
/// not finite although all it reads is, or what came in so. Cost: a step of the reference executor.
Result<std::string> find_non_finite_source(const Session& session);

/// Finds the first step after which an output or a state is not finite, and the node it comes from,
/// while the run itself pays nothing: it looks at what a piece of the run left behind, and only
/// when that is not finite computes the piece again, step by step, from a copy of the states.
class FiniteWatch {
 public:
  /// Watches these outputs, and the states that are finite now.
  /// Requires: the outputs are stacked in every piece.
  static Result<FiniteWatch> begin(const Session& session, std::vector<std::string> outputs);

  /// Before every piece: keeps the states. Cost: a copy of all states.
  Result<void> before_piece(const Session& session);

  /// After every piece. If something is not finite, the session stands before the step that did
  /// it when this returns: that step is the next one, and the states are those it starts from.
  /// `options` are those of the run, without an observer.
  /// Errors: of running the steps again; that it does not happen again (kMachine).
  /// Cost: nothing but reading what is watched while all is finite. Otherwise one run of the piece,
  ///       a step at a time, and one step of the reference executor.
  Result<std::optional<NonFinite>> after_piece(Session& session, const RunOptions& options) const;

 private:
  using States = std::map<std::string, Tensor>;

  static Result<void> put_back(Session& session, int64_t step, const States& states);
  Result<std::optional<std::string>> find_seen(const Session& session, StepRange steps) const;

  std::vector<std::string> outputs_;
  std::vector<std::string> states_;  // those that were finite at the beginning
  int64_t first_step_ = 0;           // of the piece
  States before_;
};

}  // namespace graphrt
