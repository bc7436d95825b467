#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/engine/session.h"
#include "tools/graphrun/metrics_file.h"
#include "tools/graphrun/training_options.h"

namespace graphrun {

/// What a run wrote of itself: a line every few steps, and one where it was evaluated. No clock is
/// in it: the same run writes the same bytes.
class Metrics {
 public:
  /// Starts the table, or goes on with it where a run is resumed. Reads the feeds.
  /// Errors: as MetricsFile; inputs that are missing or do not fit.
  static graphrt::Result<Metrics> open(graphrt::Session& session, const TrainingOptions& options,
                                       const std::vector<std::string>& outputs,
                                       const std::vector<std::string>& evaluated);

  /// A piece of a run: its steps, the values of every output in them, and what an evaluation after
  /// the last of them gave; empty without one.
  struct Piece {
    graphrt::StepRange steps;
    const std::vector<graphrt::Tensor>& values;
    const std::vector<std::string>& means;
    bool ends_run = false;
  };

  /// Appends the lines that are due, as MetricsFile::append.
  void add(const Piece& piece);
  void sync() { file_.sync(); }
  bool has_lost_its_reader() const { return file_.has_lost_its_reader(); }
  /// Errors: kMachine.
  graphrt::Result<void> end() { return file_.end(); }

 private:
  Metrics(MetricsFile file, graphrt::FeedRows rows, int64_t every, size_t num_means)
      : file_(std::move(file)), rows_(rows), every_(every), num_means_(num_means) {}

  std::string line_of(int64_t num_finished, const Piece& piece) const;

  MetricsFile file_;
  graphrt::FeedRows rows_;
  int64_t every_;
  size_t num_means_;
};

}  // namespace graphrun
