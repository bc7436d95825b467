#include "runtime/train/run_length.h"

#include <algorithm>
#include <string>

namespace graphrt {
namespace {

using namespace std::chrono_literals;

// Emulated GPUs may be hundreds of times slower than predicted, so the first piece is shorter.
constexpr std::chrono::nanoseconds kFirstPiece = 1ms;
constexpr std::chrono::nanoseconds kShortPiece = 100ms;
constexpr std::chrono::nanoseconds kLongPiece = 400ms;
constexpr int64_t kMaxPieceSteps = int64_t{1} << 30;

}  // namespace

Result<int64_t> steps_of_epochs(Session& session, int64_t num_epochs) {
  if (num_epochs < 0 || num_epochs > kMaxEpochs) {
    return usage_error("a run has from 0 to " + std::to_string(kMaxEpochs) + " epochs, not " +
                       std::to_string(num_epochs));
  }
  TRY(const FeedRows rows, session.feed_rows());
  if (!rows.batch) {
    return input_error(
        "the inputs take different numbers of rows a step, so an epoch is no number of steps");
  }
  // B epochs are exactly N steps; only the rest is multiplied.
  const int64_t rest = num_epochs % *rows.batch * rows.num_rows;
  return num_epochs / *rows.batch * rows.num_rows + (rest + *rows.batch - 1) / *rows.batch;
}

Pace::Pace(int64_t predicted_step_ns)
    : num_steps_(
          std::max<int64_t>(kFirstPiece.count() / std::max<int64_t>(predicted_step_ns, 1), 1)) {}

void Pace::learn(int64_t num_steps, std::chrono::nanoseconds duration) {
  if (duration > kLongPiece) {
    num_steps_ = std::max<int64_t>(num_steps / 2, 1);
    return;
  }
  // Doubled, so that few different lengths occur: what GPUs have recorded for one is used again.
  const bool was_whole = num_steps == num_steps_;
  if (was_whole && duration < kShortPiece) num_steps_ = std::min(2 * num_steps, kMaxPieceSteps);
}

}  // namespace graphrt
