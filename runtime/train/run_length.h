#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/session/session.h"

namespace graphrt {

/// The most epochs that a run may have: with any number of rows, their steps are a number of 63
/// bits.
inline constexpr int64_t kMaxEpochs = int64_t{1} << 20;

/// How many steps take every row of the feeds `num_epochs` times: epochs are counted in rows, so
/// where they do not divide evenly, the last step takes the first rows of the next one as well.
/// Errors: a number that is negative or beyond kMaxEpochs (kUsage); inputs that take different
///         numbers of rows a step; inputs that are missing or do not fit.
Result<int64_t> steps_of_epochs(Session& session, int64_t num_epochs);

/// How many steps to run before looking whether the user wants to stop: about a fifth of a second.
///
/// The clock decides how soon a wish is seen, and nothing else: in how many pieces steps are run
/// changes no bit of what they compute.
class Pace {
 public:
  /// Starts with what the plan predicts.
  explicit Pace(int64_t predicted_step_ns);

  int64_t num_steps() const { return num_steps_; }
  /// So many steps took that long.
  void learn(int64_t num_steps, std::chrono::nanoseconds duration);

 private:
  int64_t num_steps_;
};

}  // namespace graphrt
