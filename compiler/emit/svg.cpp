#include "compiler/emit/svg.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "compiler/emit/folded_names.h"
#include "compiler/emit/svg_writer.h"
#include "compiler/emit/timeline_steps.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr double kLabelWidth = 110;
constexpr double kTimelineWidth = 1280;
constexpr double kRowHeight = 26;
constexpr double kTimelineTop = 44;

/// Pictures of fewer runs show each by itself; of more, what is narrower than this together.
constexpr size_t kManyRuns = 2000;
constexpr double kWidthToSee = 2;

class SvgTimeline {
 public:
  SvgTimeline(const Synchronised& synchronised, int64_t num_steps)
      : schedule_(synchronised.memory->schedule),
        lanes_(synchronised.lanes),
        interval_ns_(synchronised.interval_ns),
        runs_(predicted_runs(synchronised, num_steps)) {
    for (const TaskRun& run : runs_) end_ns_ = std::max(end_ns_, run.span.end_ns);
    IdVector<LaneId, std::vector<Mark>> marks_of(lanes_.lanes().size());
    for (const TaskRun& run : runs_) add(marks_of[run.lane], run);
    for (const LaneId lane : lanes_in_order()) {
      if (lanes_.tasks()[lane].empty()) continue;
      rows_.push_back({lanes_.lanes()[lane].name, marks_of[lane]});
    }
    add_rows_of_links();
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
  struct Mark {
    int64_t step = 0;
    Span span;
    std::vector<TaskId> tasks;
  };
  struct Row {
    std::string name;
    std::vector<Mark> marks;
  };

  SvgTimeScale scale() const { return {kLabelWidth, kTimelineWidth, end_ns_}; }
  static double y_of(size_t row) { return kTimelineTop + kRowHeight * static_cast<double>(row); }

  std::string drawn_row(size_t row) const {
    std::string text =
        svg_text(kLabelWidth - 8, y_of(row) + 17, "text-anchor=\"end\"", rows_[row].name) + "\n";
    for (const Mark& mark : rows_[row].marks) text += drawn(mark, row);
    return text;
  }

  /// Those of a host together.
  std::vector<LaneId> lanes_in_order() const {
    std::vector<LaneId> order;
    for (const LaneId lane : lanes_.lanes().ids()) order.push_back(lane);
    const auto host_of = [&](LaneId id) {
      const MachineLane& lane = lanes_.lanes()[id];
      return lane.kind == LaneKind::kReceive ? lane.to_host : lane.host;
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](LaneId a, LaneId b) { return host_of(a) < host_of(b); });
    return order;
  }

  /// What links share is taken from the beginning of a copy's work on.
  void add_rows_of_links() {
    const LaneTable& lanes = schedule_.tasks->lanes;
    for (const SharedResourceId id : lanes.resource_names.ids()) {
      if (!is_of_links(lanes, id)) continue;
      std::vector<TaskRun> taken;
      for (TaskRun run : runs_) {
        const Task& task = schedule_.tasks->tasks[run.task];
        const int64_t duration_ns = taken_ns(lanes, task, id);
        const bool is_receive = lanes_.lanes()[run.lane].kind == LaneKind::kReceive;
        if (duration_ns == 0 || is_receive) continue;
        run.span.start_ns = run.span.end_ns - task.cost.work_ns;
        run.span.end_ns = run.span.start_ns + duration_ns;
        taken.push_back(run);
      }
      std::stable_sort(taken.begin(), taken.end(), [](const TaskRun& a, const TaskRun& b) {
        return a.span.start_ns < b.span.start_ns;
      });
      Row row{lanes.resource_names[id], {}};
      for (const TaskRun& run : taken) add(row.marks, run);
      if (!taken.empty()) rows_.push_back(std::move(row));
    }
  }

  /// Runs of one step, side by side, that are too short to be told apart are one mark.
  void add(std::vector<Mark>& marks, const TaskRun& run) const {
    const double begin = scale().x_of(run.span.start_ns);
    const double end = scale().x_of(run.span.end_ns);
    const bool joins = !marks.empty() && runs_.size() > kManyRuns &&
                       marks.back().step == run.step &&
                       end - scale().x_of(marks.back().span.start_ns) < kWidthToSee &&
                       begin - scale().x_of(marks.back().span.end_ns) < kWidthToSee / 2;
    if (!joins) marks.push_back({run.step, run.span, {}});
    marks.back().span.end_ns = run.span.end_ns;
    marks.back().tasks.push_back(run.task);
  }

  std::string drawn(const Mark& mark, size_t row) const {
    std::vector<std::string> names;
    for (const TaskId task : mark.tasks) names.push_back(schedule_.tasks->tasks[task].name);
    const std::string name = folded_names(names);
    const double x = scale().x_of(mark.span.start_ns);
    const double width = std::max(scale().x_of(mark.span.end_ns) - x, 0.5);
    return svg_box({x, y_of(row) + 3, width, kRowHeight - 6, svg_colour(mark.step), name,
                    name + ", step " + std::to_string(mark.step) + ": " +
                        format_duration(mark.span.start_ns) + " to " +
                        format_duration(mark.span.end_ns)});
  }

  const Schedule& schedule_;
  const MessageLanes& lanes_;
  int64_t interval_ns_;
  std::vector<TaskRun> runs_;
  std::vector<Row> rows_;
  int64_t end_ns_ = 0;
};

}  // namespace

std::string to_svg(const Synchronised& synchronised, int64_t num_steps) {
  return SvgTimeline(synchronised, num_steps).draw();
}

}  // namespace graphc
