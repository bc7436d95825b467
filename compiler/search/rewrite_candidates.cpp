#include "compiler/search/rewrite_candidates.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/placement/offload.h"
#include "compiler/placement/rematerialise.h"

namespace graphc {
namespace {

/// Of more values, only the largest are tried.
constexpr size_t kMaxValues = 4;

/// When an operation of the graph before rows were split runs: from the first of its blocks to the
/// last.
struct OpSpan {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

class CandidateFinder {
 public:
  CandidateFinder(const PlacedGraph& placed, const Schedule& schedule, const Machine& machine)
      : placed_(placed),
        schedule_(schedule),
        machine_(machine),
        spans_(placed.ops.size()),
        readers_(placed.values.size()) {
    for (const PlacedOpId op : placed.ops.ids()) {
      for (const PlacedOperand& read : placed.ops[op].reads) {
        auto& readers = readers_[read.value];
        if (read.distance == 0 && (readers.empty() || readers.back() != op)) readers.push_back(op);
      }
    }
    find_spans();
  }

  std::vector<MemoryRewrite> at(int64_t peak_ns, DeviceId device) const {
    std::vector<MemoryRewrite> rewrites;
    size_t num_values = 0;
    for (const PlacedValueId value : idle_values(peak_ns, device)) {
      const size_t num_before = rewrites.size();
      add_rewrites(value, peak_ns, rewrites);
      if (rewrites.size() > num_before && ++num_values == kMaxValues) break;
    }
    return rewrites;
  }

 private:
  /// Blocks of an operation write some of its rows of the same value, and values keep their ids; what
  /// writes nothing is not divided.
  void find_spans() {
    std::map<size_t, PlacedOpId> op_of_output;
    for (const PlacedOpId op : placed_.ops.ids()) {
      if (placed_.ops[op].output) op_of_output[*placed_.ops[op].output] = op;
    }
    IdVector<PlacedOpId, bool> is_seen(placed_.ops.size(), false);
    const TaskGraph& tasks = schedule_.tasks;
    for (const TaskId task : tasks.tasks.ids()) {
      const PlacedOp& block = tasks.placed->ops[tasks.tasks[task].op];
      const PlacedOpId op =
          block.writes.empty()
              ? op_of_output.at(*block.output)
              : placed_.producers_of({block.writes.front(), 0, block.rows}).front();
      const ScheduledTask& times = schedule_.solution.tasks[task];
      OpSpan& span = spans_[op];
      span.start_ns = is_seen[op] ? std::min(span.start_ns, times.start_ns) : times.start_ns;
      span.end_ns = std::max(span.end_ns, times.end_ns);
      is_seen[op] = true;
    }
  }

  /// Values that lie on the device at this time and that nothing touches then, the largest first.
  std::vector<PlacedValueId> idle_values(int64_t peak_ns, DeviceId device) const {
    std::vector<PlacedValueId> values;
    for (const PlacedValueId id : placed_.values.ids()) {
      if (placed_.values[id].device != device || placed_.values[id].producers.empty()) continue;
      const OpSpan& made = spans_[placed_.values[id].producers.front()];
      if (made.end_ns <= peak_ns && !late_readers(id, peak_ns).empty()) values.push_back(id);
    }
    std::sort(values.begin(), values.end(), [&](PlacedValueId a, PlacedValueId b) {
      const int64_t a_bytes = placed_.type_of(a).size_bytes();
      const int64_t b_bytes = placed_.type_of(b).size_bytes();
      return std::tie(b_bytes, a) < std::tie(a_bytes, b);
    });
    return values;
  }

  std::vector<PlacedOpId> late_readers(PlacedValueId value, int64_t peak_ns) const {
    std::vector<PlacedOpId> late;
    for (const PlacedOpId op : readers_[value]) {
      const bool runs_at_peak = spans_[op].start_ns <= peak_ns && peak_ns < spans_[op].end_ns;
      if (runs_at_peak) return {};
      if (spans_[op].start_ns > peak_ns) late.push_back(op);
    }
    return late;
  }

  void add_rewrites(PlacedValueId value, int64_t peak_ns,
                    std::vector<MemoryRewrite>& rewrites) const {
    const std::vector<PlacedOpId> late = late_readers(value, peak_ns);
    if (can_rematerialise(placed_, value) && late.size() < readers_[value].size()) {
      rewrites.push_back({RewriteKind::kRematerialise, value, late});
    }
    if (can_offload(placed_, value, machine_))
      rewrites.push_back({RewriteKind::kOffload, value, late});
  }

  const PlacedGraph& placed_;
  const Schedule& schedule_;
  const Machine& machine_;
  IdVector<PlacedOpId, OpSpan> spans_;
  IdVector<PlacedValueId, std::vector<PlacedOpId>> readers_;  ///< of the same step
};

}  // namespace

std::vector<MemoryRewrite> rewrite_candidates(const PlacedGraph& placed, const Schedule& schedule,
                                              DeviceId device, const Machine& machine) {
  const auto peaks =
      memory_peaks(scheduling_problem(schedule.tasks),
                   memory_demand(schedule.tasks, machine.devices.size()), schedule.solution);
  const MemoryPeak& peak = peaks[MemoryId(device.value())];
  if (!peak.task) return {};
  const int64_t peak_ns = schedule.solution.tasks[*peak.task].start_ns;
  return CandidateFinder(placed, schedule, machine).at(peak_ns, device);
}

}  // namespace graphc
