#pragma once

#include <cstdint>

#include "runtime/base/result.h"

namespace graphrt {

/// What one instruction does in a step, with everything that can be looked up or allocated done
/// beforehand.
class Action {
 public:
  Action() = default;
  Action(const Action&) = delete;
  Action& operator=(const Action&) = delete;
  virtual ~Action() = default;

  /// Does the work of one step and returns when its result may be read. Allocates nothing and takes
  /// no lock, unless it fails or waits for an accelerator.
  /// Threads: one call at a time for each action; different actions may run at the same time when
  ///          the plan leaves them unordered.
  virtual Result<void> run(int64_t step) = 0;
};

}  // namespace graphrt
