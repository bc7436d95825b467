#include "compiler/emit/svg.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "compiler/emit/timeline_steps.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr double kLabelWidth = 110;
constexpr double kPlotWidth = 1280;
constexpr double kRowHeight = 26;
constexpr double kTop = 44;
constexpr double kCharWidth = 6.2;
constexpr std::array<const char*, 6> kStepColours = {"#7fb2e5", "#f2b77c", "#9bd19b",
                                                     "#d9a3d9", "#e8d47a", "#b8b8e8"};

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += c;
    }
  }
  return result;
}

class SvgTimeline {
 public:
  SvgTimeline(const Synchronised& synchronised, int64_t num_steps)
      : schedule_(synchronised.memory.schedule),
        interval_ns_(synchronised.interval_ns),
        runs_(predicted_runs(synchronised, num_steps)) {
    for (const TaskRun& run : runs_) end_ns_ = std::max(end_ns_, run.span.end_ns);
    for (const LaneId lane : schedule_.solution.lanes.ids()) {
      if (!schedule_.solution.lanes[lane].empty()) rows_.push_back(lane);
    }
  }

  std::string draw() {
    const double height = kTop + kRowHeight * static_cast<double>(rows_.size()) + 12;
    text_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
            number(kLabelWidth + kPlotWidth + 20) + "\" height=\"" + number(height) +
            "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    text_ += "<text x=\"8\" y=\"16\" font-size=\"13\">" +
             escaped(schedule_.tasks.placed.graph.name) + ": predicted timeline, " +
             format_duration(interval_ns_) + " a step; one colour a step</text>\n";
    draw_axis(height - 12);
    for (size_t row = 0; row < rows_.size(); ++row) draw_row(row);
    return text_ + "</svg>\n";
  }

 private:
  double x_of(int64_t time_ns) const {
    return kLabelWidth + kPlotWidth * static_cast<double>(time_ns) /
                             static_cast<double>(std::max<int64_t>(end_ns_, 1));
  }
  static double y_of(size_t row) { return kTop + kRowHeight * static_cast<double>(row); }

  /// About ten ticks at a round distance.
  void draw_axis(double bottom) {
    int64_t tick_ns = 1;
    while (tick_ns * 10 < end_ns_) tick_ns *= 10;
    if (end_ns_ / tick_ns < 3) tick_ns = std::max<int64_t>(1, tick_ns / 5);
    for (int64_t time_ns = 0; time_ns <= end_ns_; time_ns += tick_ns) {
      const std::string x = number(x_of(time_ns));
      text_ += "<line x1=\"" + x + "\" y1=\"" + number(kTop - 6) + "\" x2=\"" + x + "\" y2=\"" +
               number(bottom) + "\" stroke=\"#dddddd\"/><text x=\"" + x + "\" y=\"" +
               number(kTop - 10) + "\" text-anchor=\"middle\" fill=\"#666666\">" +
               format_duration(time_ns) + "</text>\n";
    }
  }

  void draw_row(size_t row) {
    const std::string& name = schedule_.tasks.lanes.lanes[rows_[row]].name;
    text_ += "<text x=\"" + number(kLabelWidth - 8) + "\" y=\"" + number(y_of(row) + 17) +
             "\" text-anchor=\"end\">" + escaped(name) + "</text>\n";
    for (const TaskRun& run : runs_) {
      if (run.lane == rows_[row]) draw_run(run, row);
    }
  }

  void draw_run(const TaskRun& run, size_t row) {
    const std::string& name = schedule_.tasks.tasks[run.task].name;
    const double x = x_of(run.span.start_ns);
    const double width = std::max(x_of(run.span.end_ns) - x, 0.5);
    const auto colour = kStepColours[static_cast<size_t>(run.step) % kStepColours.size()];
    text_ += "<g><title>" + escaped(name) + ", step " + std::to_string(run.step) + ": " +
             format_duration(run.span.start_ns) + " to " + format_duration(run.span.end_ns) +
             "</title><rect x=\"" + number(x) + "\" y=\"" + number(y_of(row) + 3) + "\" width=\"" +
             number(width) + "\" height=\"" + number(kRowHeight - 6) + "\" rx=\"2\" fill=\"" +
             colour + "\" stroke=\"#555555\" stroke-width=\"0.5\"/>";
    const auto num_chars = static_cast<size_t>(std::max(0.0, (width - 4) / kCharWidth));
    if (num_chars >= std::min<size_t>(name.size(), 3)) {
      text_ += "<text x=\"" + number(x + 2) + "\" y=\"" + number(y_of(row) + 17) + "\">" +
               escaped(name.substr(0, num_chars)) + "</text>";
    }
    text_ += "</g>\n";
  }

  const Schedule& schedule_;
  int64_t interval_ns_;
  std::vector<TaskRun> runs_;
  std::vector<LaneId> rows_;
  int64_t end_ns_ = 0;
  std::string text_;
};

}  // namespace

std::string to_svg(const Synchronised& synchronised, int64_t num_steps) {
  return SvgTimeline(synchronised, num_steps).draw();
}

}  // namespace graphc
