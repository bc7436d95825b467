#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/base/tensor.h"
#include "runtime/session/session.h"
#include "runtime/train/evaluation.h"
#include "runtime/train/metrics_file.h"
#include "runtime/train/training_options.h"

namespace graphrt {

/// What a run wrote of itself: a line every few steps, and one where it was evaluated. No clock is
/// in it: the same run writes the same bytes.
class Metrics {
 public:
  /// Starts the table that the options ask for, or goes on with it where a run is resumed. Reads
  /// the feeds. `outputs` and `evaluated` name the scalar outputs of the session and of its
  /// evaluation, a column each.
  /// Requires: the options name a file.
  /// Errors: as MetricsFile; inputs that are missing or do not fit.
  static Result<Metrics> open(Session& session, const TrainingOptions& options,
                              const std::vector<std::string>& outputs,
                              const std::vector<std::string>& evaluated);

  /// A piece of a run: its steps, the values of every output in them, of shape [steps.count], and
  /// what an evaluation after the last of them gave; empty without one.
  struct Piece {
    StepRange steps;
    const std::vector<Tensor>& values;
    const std::vector<Mean>& means;
    bool ends_run = false;
  };

  /// Appends the lines that are due, as MetricsFile::append.
  void add(const Piece& piece);
  void sync() { file_.sync(); }
  bool has_lost_its_reader() const { return file_.has_lost_its_reader(); }
  /// Errors: kMachine.
  Result<void> end() { return file_.end(); }

 private:
  Metrics(MetricsFile file, FeedRows rows, int64_t every, size_t num_means)
      : file_(std::move(file)), rows_(rows), every_(every), num_means_(num_means) {}

  std::string line_of(int64_t num_finished, const Piece& piece) const;

  MetricsFile file_;
  FeedRows rows_;
  int64_t every_;
  size_t num_means_;
};

}  // namespace graphrt
