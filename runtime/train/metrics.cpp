#include "runtime/train/metrics.h"

#include "runtime/base/text.h"
#include "runtime/train/scalar_outputs.h"

namespace graphrt {

Result<Metrics> Metrics::open(Session& session, const TrainingOptions& options,
                              const std::vector<std::string>& outputs,
                              const std::vector<std::string>& evaluated) {
  TRY(const FeedRows rows, session.feed_rows());
  std::vector<std::string> columns = {"step", "epoch"};
  columns.insert(columns.end(), outputs.begin(), outputs.end());
  // No name of an output has a colon.
  for (const std::string& name : evaluated) columns.push_back("eval:" + name);
  TRY(MetricsFile file, options.is_resumed ? MetricsFile::continue_after(session.next_step(),
                                                                         *options.metrics, columns)
                                           : MetricsFile::create(*options.metrics, columns));
  return Metrics(std::move(file), rows, options.metrics_every, evaluated.size());
}

void Metrics::add(const Piece& piece) {
  std::string lines;
  const int64_t end = piece.steps.first + piece.steps.count;
  for (int64_t step = piece.steps.first + 1; step <= end; ++step) {
    const bool is_special = step == end && (piece.ends_run || !piece.means.empty());
    if (is_special || step % every_ == 0) lines += line_of(step, piece);
  }
  file_.append(lines);
}

std::string Metrics::line_of(int64_t num_finished, const Piece& piece) const {
  std::vector<std::string> cells = {std::to_string(num_finished), ""};
  if (rows_.batch) {
    const RowPosition next = position_of_step(num_finished, *rows_.batch, rows_.num_rows);
    cells[1] = std::to_string(next.epoch);
  }
  const auto index = static_cast<size_t>(num_finished - piece.steps.first - 1);
  for (const Tensor& values : piece.values) cells.push_back(element_text(values, index));
  const bool is_evaluated =
      num_finished == piece.steps.first + piece.steps.count && !piece.means.empty();
  for (size_t i = 0; i < num_means_; ++i) cells.push_back(is_evaluated ? piece.means[i].text : "");
  return join(cells, ",") + "\n";
}

}  // namespace graphrt
