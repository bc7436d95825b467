#include "compiler/emit/svg.h"

#include <algorithm>

#include "compiler/emit/svg_writer.h"
#include "compiler/emit/timeline_steps.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr double kLabelWidth = 110;
constexpr double kTimelineWidth = 1280;
constexpr double kRowHeight = 26;
constexpr double kTimelineTop = 44;

class SvgTimeline {
 public:
  SvgTimeline(const Synchronised& synchronised, int64_t num_steps)
      : schedule_(synchronised.memory->schedule),
        interval_ns_(synchronised.interval_ns),
        runs_(predicted_runs(synchronised, num_steps)) {
    for (const TaskRun& run : runs_) end_ns_ = std::max(end_ns_, run.span.end_ns);
    for (const LaneId lane : schedule_.solution.lanes.ids()) {
      if (!schedule_.solution.lanes[lane].empty()) rows_.push_back(lane);
    }
  }

  std::string draw() const {
    const double height = kTimelineTop + kRowHeight * static_cast<double>(rows_.size()) + 12;
    const std::string title = schedule_.tasks->placed->graph->name + ": predicted timeline, " +
                              format_duration(interval_ns_) + " a step; one colour a step";
    std::string text = svg_time_axis(scale(), kTimelineTop, height - 12);
    for (size_t row = 0; row < rows_.size(); ++row) text += drawn_row(row);
    return svg_document(kLabelWidth + kTimelineWidth + 20, height, title, text);
  }

 private:
  SvgTimeScale scale() const { return {kLabelWidth, kTimelineWidth, end_ns_}; }
  static double y_of(size_t row) { return kTimelineTop + kRowHeight * static_cast<double>(row); }

  std::string drawn_row(size_t row) const {
    std::string text = svg_text(kLabelWidth - 8, y_of(row) + 17, "text-anchor=\"end\"",
                                schedule_.tasks->lanes.lanes[rows_[row]].name) +
                       "\n";
    for (const TaskRun& run : runs_) {
      if (run.lane == rows_[row]) text += drawn_run(run, row);
    }
    return text;
  }

  std::string drawn_run(const TaskRun& run, size_t row) const {
    const std::string& name = schedule_.tasks->tasks[run.task].name;
    const double x = scale().x_of(run.span.start_ns);
    const double width = std::max(scale().x_of(run.span.end_ns) - x, 0.5);
    return svg_box({x, y_of(row) + 3, width, kRowHeight - 6, svg_colour(run.step), name,
                    name + ", step " + std::to_string(run.step) + ": " +
                        format_duration(run.span.start_ns) + " to " +
                        format_duration(run.span.end_ns)});
  }

  const Schedule& schedule_;
  int64_t interval_ns_;
  std::vector<TaskRun> runs_;
  std::vector<LaneId> rows_;
  int64_t end_ns_ = 0;
};

}  // namespace

std::string to_svg(const Synchronised& synchronised, int64_t num_steps) {
  return SvgTimeline(synchronised, num_steps).draw();
}

}  // namespace graphc
