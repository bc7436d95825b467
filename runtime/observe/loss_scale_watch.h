#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/session/session.h"

namespace graphrt {

/// How the scale of a loss fared in a run.
struct LossScaleReport {
  float scale = 0;  ///< of the next step
  int64_t num_skipped = 0;
};

/// Where training gave up on a scale.
struct LossScaleFailure {
  int64_t step = 0;         ///< the last of those in a row that were skipped
  int32_t num_skipped = 0;  ///< how many these are
  float scale = 0;
  std::string source;  ///< the first node whose value is not finite
};

/// Follows the loss scale of a plan that trains with one, by its states, between two pieces of a
/// run: a plan that gave up stands still from then on, so it may be seen later.
class LossScaleWatch {
 public:
  /// Absent where the plan's graph has no loss scale.
  /// Errors: states of a training that has given up.
  static Result<std::optional<LossScaleWatch>> begin(const Session& session);

  Result<LossScaleReport> report(const Session& session) const;

  /// After every piece. Where training has given up, the session stands before the last step that
  /// was skipped when this returns, with what is trained as it was.
  /// Cost: two numbers are read while it goes on; then a step of the reference executor.
  Result<std::optional<LossScaleFailure>> after_piece(Session& session) const;

 private:
  LossScaleWatch() = default;
  Result<float> scale_of(const Session& session) const;
  Result<int32_t> count_of(const Session& session, const std::string& state) const;

  // Names of states.
  std::string scale_;
  std::string streak_;
  std::string steps_;  // those that were not skipped
  int64_t first_step_ = 0;
  int32_t steps_before_ = 0;
};

}  // namespace graphrt
