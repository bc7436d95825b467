#include "compiler/emit/memory_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "compiler/emit/svg_writer.h"
#include "compiler/memory/live_ranges.h"
#include "compiler/memory/memory_peak.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_names.h"

namespace graphc {
namespace {

using Json = nlohmann::ordered_json;

/// A buffer, when it is in use and by whom.
struct BufferView {
  PlannedBuffer buffer;
  std::string name;
  bool is_lifelong = false;
  std::vector<LivePiece> pieces;
  std::vector<std::string> written_by;
  std::vector<std::string> read_by;
};

struct ArenaView {
  PlannedArena arena;
  std::string title;  ///< `cpu (pinned)`
  std::string device;
  int64_t device_bytes = 0;
  ArenaPeak peak;
  std::optional<std::string> peak_while;
  std::vector<BufferView> buffers;
};

struct MemoryView {
  int64_t interval_ns = 0;
  std::vector<ArenaView> arenas;
};

IdVector<PlacedValueId, BufferView> buffer_views(const MemoryPlan& plan, int64_t interval_ns) {
  const TaskGraph& tasks = plan.schedule->tasks;
  const auto ranges = live_ranges(plan.schedule);
  IdVector<PlacedValueId, BufferView> views(plan.buffers.size());
  for (const PlacedValueId value : plan.buffers.ids()) {
    BufferView& view = views[value];
    view.buffer = plan.buffers[value];
    view.name = tasks.placed->values[value].name;
    view.is_lifelong = !ranges[value];
    if (ranges[value]) {
      view.pieces = live_pieces(*ranges[value], interval_ns, view.buffer.versions);
      continue;
    }
    for (int32_t version = 0; version < view.buffer.versions; ++version) {
      view.pieces.push_back({version, 0, interval_ns});
    }
  }
  for (const Task& task : tasks.tasks) {
    const PlacedOp& op = tasks.placed->ops[task.op];
    for (const PlacedValueId value : written_values(op)) {
      views[value].written_by.push_back(task.name);
    }
    for (const PlacedOperand& read : op.reads) {
      std::vector<std::string>& readers = views[read.value].read_by;
      if (readers.empty() || readers.back() != task.name) readers.push_back(task.name);
    }
  }
  return views;
}

MemoryView view_of(const MemoryPlan& plan, const Machine& machine) {
  MemoryView view{std::max<int64_t>(plan.schedule->solution.interval_ns, 1), {}};
  const auto buffers = buffer_views(plan, view.interval_ns);
  for (const ArenaId id : plan.arenas.ids()) {
    const PlannedArena& arena = plan.arenas[id];
    const Device& device = machine.devices[arena.device];
    ArenaView arena_view{arena,
                         name_of_memory(device.name, arena.kind),
                         device.name,
                         device.memory_bytes,
                         arena_peak(plan, id),
                         std::nullopt,
                         {}};
    if (arena_view.peak.task) {
      arena_view.peak_while = plan.schedule->tasks->tasks[*arena_view.peak.task].name;
    }
    for (const PlacedValueId value : values_in(plan, id)) {
      arena_view.buffers.push_back(buffers[value]);
    }
    view.arenas.push_back(std::move(arena_view));
  }
  return view;
}

Json json_of(const BufferView& view) {
  Json live = Json::array();
  Json versions = Json::array();
  for (const LivePiece& piece : view.pieces) {
    live.push_back(Json::array({piece.begin_ns, piece.end_ns}));
    versions.push_back(piece.version);
  }
  return {{"name", view.name},
          {"offset_bytes", view.buffer.offset_bytes},
          {"stride_bytes", view.buffer.stride_bytes},
          {"versions", view.buffer.versions},
          {"live", std::move(live)},
          {"live_versions", std::move(versions)},
          {"written_by", view.written_by},
          {"read_by", view.read_by}};
}

Json json_of(const ArenaView& view, const PlacedGraph& placed) {
  Json alive = Json::array();
  for (const AliveValue& value : view.peak.alive) {
    alive.push_back({{"name", placed.values[value.value].name}, {"bytes", value.num_bytes}});
  }
  Json buffers = Json::array();
  for (const BufferView& buffer : view.buffers) buffers.push_back(json_of(buffer));
  return {{"device", view.device},
          {"kind", name_of(view.arena.kind)},
          {"size_bytes", view.arena.size_bytes},
          {"bound_bytes", view.arena.bound_bytes},
          {"peak_bytes", view.peak.num_bytes},
          {"peak_at_ns", view.peak.at_ns},
          {"peak_while", view.peak_while ? Json(*view.peak_while) : Json(nullptr)},
          {"alive_at_peak", std::move(alive)},
          {"buffers", std::move(buffers)}};
}

constexpr double kLeft = 110;
constexpr double kMemoryWidth = 1180;
constexpr double kPlotHeight = 360;
constexpr double kHeaderHeight = 54;  ///< of an arena: its title and the times
constexpr double kMemoryTop = 24;
constexpr const char* kLifelongColour = "#d0d0d0";
constexpr const char* kIdleColour = "#f4f4f4";
constexpr const char* kPeakColour = "#c03030";

/// A device's memory is shown where the arena takes most of it.
bool is_near_limit(const ArenaView& view) {
  return view.device_bytes - view.arena.size_bytes <= view.arena.size_bytes / 4;
}

/// One arena, its plot's upper edge at `top`.
class ArenaPlot {
 public:
  ArenaPlot(const ArenaView& view, int64_t interval_ns, double top)
      : view_(view),
        scale_{kLeft, kMemoryWidth, interval_ns},
        top_(top),
        top_bytes_(is_near_limit(view) ? view.device_bytes : view.arena.size_bytes) {}

  std::string draw() const {
    std::string text = svg_text(8, top_ - 32, "font-size=\"12\"", title()) + "\n";
    text += svg_time_axis(scale_, top_, top_ + kPlotHeight);
    text += byte_axis();
    for (size_t i = 0; i < view_.buffers.size(); ++i) text += drawn(view_.buffers[i], i);
    text += limits();
    return text + peak_line();
  }

 private:
  double y_of(int64_t offset_bytes) const {
    return top_ + kPlotHeight -
           kPlotHeight * static_cast<double>(offset_bytes) /
               static_cast<double>(std::max<int64_t>(top_bytes_, 1));
  }

  std::string title() const {
    return view_.title + ": " + format_bytes(view_.arena.size_bytes) + ", peak " +
           format_bytes(view_.peak.num_bytes) +
           (view_.peak_while ? " while " + *view_.peak_while : " all the time") + ", bound " +
           format_bytes(view_.arena.bound_bytes);
  }

  std::string horizontal(int64_t offset_bytes, const std::string& attributes) const {
    const std::string y = svg_number(y_of(offset_bytes));
    return "<line x1=\"" + svg_number(kLeft) + "\" y1=\"" + y + "\" x2=\"" +
           svg_number(kLeft + kMemoryWidth) + "\" y2=\"" + y + "\" " + attributes + "/>";
  }

  /// Four to eight lines at a power of two.
  std::string byte_axis() const {
    int64_t tick_bytes = 256;
    while (top_bytes_ / tick_bytes > 8) tick_bytes *= 2;
    std::string text;
    for (int64_t offset = 0; offset <= top_bytes_; offset += tick_bytes) {
      text += horizontal(offset, "stroke=\"#dddddd\"") +
              svg_text(kLeft - 8, y_of(offset) + 4, "text-anchor=\"end\" fill=\"#666666\"",
                       format_bytes(offset)) +
              "\n";
    }
    return text;
  }

  std::string drawn(const BufferView& view, size_t index) const {
    std::string text;
    if (view.buffer.versions > 1 && !view.is_lifelong) {
      for (int32_t version = 0; version < view.buffer.versions; ++version) {
        text += box(view, {version, 0, scale_.end_ns}, kIdleColour, "reserved for " + view.name);
      }
    }
    const char* colour =
        view.is_lifelong ? kLifelongColour : svg_colour(static_cast<int64_t>(index));
    for (const LivePiece& piece : view.pieces) text += box(view, piece, colour, view.name);
    return text;
  }

  std::string box(const BufferView& view, const LivePiece& piece, const char* colour,
                  const std::string& name) const {
    const PlannedBuffer& buffer = view.buffer;
    const int64_t begin_bytes = buffer.offset_bytes + piece.version * buffer.stride_bytes;
    const int64_t end_bytes = begin_bytes + buffer.stride_bytes;
    const double x = scale_.x_of(piece.begin_ns);
    const double y = y_of(end_bytes);
    std::string tooltip = name + ": " + std::to_string(buffer.stride_bytes) + " bytes at " +
                          std::to_string(begin_bytes) + ", version " +
                          std::to_string(piece.version) + " of " + std::to_string(buffer.versions) +
                          ", ";
    tooltip += view.is_lifelong
                   ? "for the whole run"
                   : format_duration(piece.begin_ns) + " to " + format_duration(piece.end_ns);
    if (!view.written_by.empty()) tooltip += "; written by " + join(view.written_by, ", ");
    if (!view.read_by.empty()) tooltip += "; read by " + join(view.read_by, ", ");
    return svg_box({x, y, std::max(scale_.x_of(piece.end_ns) - x, 0.5), y_of(begin_bytes) - y,
                    colour, colour == kIdleColour ? "" : view.name, tooltip});
  }

  std::string limits() const {
    if (!is_near_limit(view_)) return "";
    return horizontal(view_.device_bytes, "stroke=\"#333333\" stroke-width=\"2\"") +
           svg_text(kLeft + 4, y_of(view_.device_bytes) + 12, "fill=\"#333333\"",
                    "memory of " + view_.device + ": " + format_bytes(view_.device_bytes)) +
           "\n";
  }

  std::string peak_line() const {
    if (!view_.peak_while) return "";
    const std::string x = svg_number(scale_.x_of(view_.peak.at_ns));
    return "<line x1=\"" + x + "\" y1=\"" + svg_number(top_) + "\" x2=\"" + x + "\" y2=\"" +
           svg_number(top_ + kPlotHeight + 4) + "\" stroke=\"" + kPeakColour +
           "\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"/>" +
           svg_text(scale_.x_of(view_.peak.at_ns), top_ + kPlotHeight + 15,
                    std::string("text-anchor=\"middle\" fill=\"") + kPeakColour + "\"",
                    "peak " + format_bytes(view_.peak.num_bytes) + " at " +
                        format_duration(view_.peak.at_ns)) +
           "\n";
  }

  const ArenaView& view_;
  SvgTimeScale scale_;
  double top_;
  int64_t top_bytes_;
};

}  // namespace

std::string memory_to_svg(const MemoryPlan& plan, const Machine& machine) {
  const MemoryView view = view_of(plan, machine);
  const std::string title = plan.schedule->tasks->placed->graph->name +
                            ": memory over one interval of the predicted steady state, " +
                            format_duration(view.interval_ns);
  std::string text;
  double bottom = kMemoryTop;
  for (const ArenaView& arena : view.arenas) {
    if (arena.buffers.empty()) continue;
    text += ArenaPlot(arena, view.interval_ns, bottom + kHeaderHeight).draw();
    bottom += kHeaderHeight + kPlotHeight + 20;
  }
  return svg_document(kLeft + kMemoryWidth + 30, bottom + 4, title, text);
}

std::string memory_to_json(const MemoryPlan& plan, const Machine& machine) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  const MemoryView view = view_of(plan, machine);
  Json arenas = Json::array();
  for (const ArenaView& arena : view.arenas) arenas.push_back(json_of(arena, placed));
  const Json json = {{"graph", placed.graph->name},
                     {"machine", machine.name},
                     {"interval_ns", plan.schedule->solution.interval_ns},
                     {"arenas", std::move(arenas)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace graphc
