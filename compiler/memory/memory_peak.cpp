#include "compiler/memory/memory_peak.h"

#include <algorithm>
#include <map>

#include "compiler/memory/live_ranges.h"

namespace graphc {
namespace {

class PeakFinder {
 public:
  PeakFinder(const MemoryPlan& plan, ArenaId arena)
      : plan_(plan),
        interval_ns_(std::max<int64_t>(plan.schedule->solution.interval_ns, 1)),
        ranges_(live_ranges(plan.schedule)),
        values_(values_in(plan, arena)) {}

  ArenaPeak find() const {
    const Peak peak = find_peak(uses(), interval_ns_);
    ArenaPeak result{peak.num_bytes, peak.at_ns, std::nullopt, alive_at(peak.at_ns)};
    result.task = task_that_starts(result);
    return result;
  }

 private:
  /// Bytes that several values have in turn, or are written over in place, count once at a time.
  std::vector<BytesInUse> uses() const {
    using Bytes = std::pair<int64_t, int64_t>;
    std::map<Bytes, std::vector<LivePiece>> pieces;
    for (const PlacedValueId value : values_) {
      const PlannedBuffer& buffer = plan_.buffers[value];
      auto& all = pieces[{buffer.offset_bytes, buffer.extent_bytes()}];
      for (const LivePiece& piece : pieces_of(value)) all.push_back(piece);
    }
    std::vector<BytesInUse> uses;
    for (auto& [bytes, all] : pieces) {
      std::sort(all.begin(), all.end(),
                [](const LivePiece& a, const LivePiece& b) { return a.begin_ns < b.begin_ns; });
      int64_t end_ns = 0;
      for (const LivePiece& piece : all) {
        uses.push_back({std::max(piece.begin_ns, end_ns), piece.end_ns, bytes.second});
        end_ns = std::max(end_ns, piece.end_ns);
      }
    }
    return uses;
  }

  bool is_alive_all_the_time(PlacedValueId value) const {
    return !ranges_[value] || plan_.buffers[value].versions > 1;
  }

  std::vector<LivePiece> pieces_of(PlacedValueId value) const {
    if (is_alive_all_the_time(value)) return {{0, 0, interval_ns_}};
    return live_pieces(*ranges_[value], interval_ns_, 1);
  }

  std::vector<AliveValue> alive_at(int64_t time_ns) const {
    std::vector<AliveValue> alive;
    for (const PlacedValueId value : values_) {
      const auto pieces = pieces_of(value);
      const bool is_alive = std::any_of(pieces.begin(), pieces.end(), [&](const LivePiece& piece) {
        return piece.begin_ns <= time_ns && time_ns < piece.end_ns;
      });
      if (is_alive) alive.push_back({value, plan_.buffers[value].extent_bytes()});
    }
    std::sort(alive.begin(), alive.end(), [&](const AliveValue& a, const AliveValue& b) {
      if (a.num_bytes != b.num_bytes) return a.num_bytes > b.num_bytes;
      return name_of(a.value) < name_of(b.value);
    });
    return alive;
  }

  /// The first writer of the first value alive whose range begins with the peak.
  std::optional<TaskId> task_that_starts(const ArenaPeak& peak) const {
    const Schedule& schedule = plan_.schedule;
    for (const AliveValue& alive : peak.alive) {
      if (is_alive_all_the_time(alive.value)) continue;
      if (ranges_[alive.value]->begin_ns % interval_ns_ != peak.at_ns) continue;
      for (const TaskId task : schedule.tasks->tasks.ids()) {
        const ScheduledTask& at = schedule.solution.tasks[task];
        const auto written =
            written_values(schedule.tasks->placed->ops[schedule.tasks->tasks[task].op]);
        const bool writes_it =
            std::find(written.begin(), written.end(), alive.value) != written.end();
        if (!writes_it || at.start_ns % interval_ns_ != peak.at_ns) continue;
        return task;
      }
    }
    return std::nullopt;
  }

  const std::string& name_of(PlacedValueId value) const {
    return plan_.schedule->tasks->placed->values[value].name;
  }

  const MemoryPlan& plan_;
  int64_t interval_ns_;
  IdVector<PlacedValueId, std::optional<LiveRange>> ranges_;
  std::vector<PlacedValueId> values_;
};

}  // namespace

Peak find_peak(const std::vector<BytesInUse>& uses, int64_t interval_ns) {
  std::map<int64_t, int64_t> changes = {{0, 0}};
  int64_t last_bytes = 0;  // just before the next interval starts
  for (const BytesInUse& use : uses) {
    if (use.begin_ns >= use.end_ns) continue;
    changes[use.begin_ns] += use.num_bytes;
    if (use.end_ns < interval_ns) changes[use.end_ns] -= use.num_bytes;
    if (use.end_ns == interval_ns) last_bytes += use.num_bytes;
  }
  Peak peak;
  bool rises_to_peak = false;
  int64_t before_bytes = last_bytes;
  int64_t now_bytes = 0;
  for (const auto& [time_ns, change] : changes) {
    now_bytes += change;
    const bool rises = now_bytes > before_bytes;
    before_bytes = now_bytes;
    const bool is_better =
        now_bytes > peak.num_bytes || (now_bytes == peak.num_bytes && rises && !rises_to_peak);
    if (!is_better) continue;
    peak = {now_bytes, time_ns};
    rises_to_peak = rises;
  }
  return peak;
}

std::vector<PlacedValueId> values_in(const MemoryPlan& plan, ArenaId arena) {
  std::vector<PlacedValueId> values;
  for (const PlannedBuffer& buffer : plan.buffers) {
    if (buffer.arena == arena) values.push_back(buffer.value);
  }
  return values;
}

ArenaPeak arena_peak(const MemoryPlan& plan, ArenaId arena) {
  return PeakFinder(plan, arena).find();
}

}  // namespace graphc
