#include "tests/property/plan/unrolled_checker.h"

#include <algorithm>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace {

struct Bytes {
  ArenaId arena;
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const Bytes&) const = default;
};

bool intersects(const Bytes& a, const Bytes& b) {
  return a.arena == b.arena && a.begin < b.end && b.begin < a.end;
}

Bytes bytes_of(const Plan& plan, BufferId id, const std::optional<RowRange>& rows, int64_t step) {
  const PlanBuffer& buffer = plan.buffers[id];
  const int64_t version = ((step % buffer.versions) + buffer.versions) % buffer.versions;
  const int64_t begin = buffer.offset_bytes + version * buffer.stride_bytes;
  if (!rows) return {buffer.arena, begin, begin + buffer.type.size_bytes()};
  const int64_t row_bytes = buffer.type.size_bytes() / buffer.type.shape[0];
  return {buffer.arena, begin + rows->begin * row_bytes, begin + rows->end * row_bytes};
}

Bytes written_bytes(const Plan& plan, InstructionId id, BufferId buffer, int64_t step) {
  const bool is_scratch = plan.instructions[id].scratch == buffer;
  return bytes_of(plan, buffer, is_scratch ? std::nullopt : plan.instructions[id].rows, step);
}

Bytes common(const Bytes& a, const Bytes& b) {
  return {a.arena, std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

struct UnrolledAccess {
  size_t instance;
  Bytes bytes;
  const Operand* operand;                // null for a write
  std::optional<BufferId> written = {};  // of a write
};

class UnrolledChecker {
 public:
  UnrolledChecker(const Plan& plan, const std::vector<int64_t>& steps_of_runs)
      : plan_(plan), unrolled_(plan, steps_of_runs) {
    for (const int64_t steps : steps_of_runs) num_steps_ += steps;
    for (size_t i = 0; i < unrolled_.instances().size(); ++i) {
      const Instance& instance = unrolled_.instances()[i];
      if (instance.is_skipped) continue;
      const Instruction& instruction = plan.instructions[instance.instruction];
      for (const Operand& operand : instruction.reads) {
        const int64_t step = instance.step - operand.distance;
        accesses_.push_back({i, bytes_of(plan, operand.buffer, operand.rows, step), &operand});
      }
      std::vector<BufferId> written = instruction.writes;
      if (instruction.scratch) written.push_back(*instruction.scratch);
      for (const BufferId buffer : written) {
        accesses_.push_back(
            {i, written_bytes(plan, instance.instruction, buffer, instance.step), nullptr, buffer});
      }
    }
  }

  std::optional<std::string> find() const {
    if (unrolled_.has_deadlock()) return "deadlock";
    if (auto fault = find_race()) return fault;
    if (auto fault = find_stale_read()) return fault;
    return find_lost_output();
  }

 private:
  std::string name(size_t instance) const {
    const Instance& it = unrolled_.instances()[instance];
    return plan_.instructions[it.instruction].name + " of step " + std::to_string(it.step);
  }

  std::optional<std::string> find_race() const {
    for (const UnrolledAccess& a : accesses_) {
      for (const UnrolledAccess& b : accesses_) {
        if (b.operand != nullptr || !intersects(a.bytes, b.bytes)) continue;
        if (a.instance == b.instance) {
          if (&a == &b || (a.operand != nullptr && is_in_place(a, b))) continue;
          return name(a.instance) + " not in place";
        }
        if (unrolled_.is_ordered(a.instance, b.instance)) continue;
        if (unrolled_.is_ordered(b.instance, a.instance)) continue;
        return "race of " + name(a.instance) + " and " + name(b.instance);
      }
    }
    return std::nullopt;
  }

  bool is_in_place(const UnrolledAccess& read, const UnrolledAccess& write) const {
    const Instance& instance = unrolled_.instances()[read.instance];
    const Instruction& instruction = plan_.instructions[instance.instruction];
    if (instruction.kind != InstructionKind::kKernel || read.bytes != write.bytes) return false;
    const auto at = std::find(instruction.writes.begin(), instruction.writes.end(), write.written);
    if (at == instruction.writes.end()) return false;
    const auto number = static_cast<size_t>(at - instruction.writes.begin());
    const auto operand = static_cast<size_t>(read.operand - instruction.reads.data());
    return may_run_in_place(*find_op(instruction.op), operand, operand_type(plan_, *read.operand),
                            result_types(plan_, instruction)[number], number);
  }

  /// The execution of an instruction that works on a step.
  size_t instance_of(InstructionId instruction, int64_t step) const {
    for (size_t i = 0; i < unrolled_.instances().size(); ++i) {
      const Instance& instance = unrolled_.instances()[i];
      if (instance.instruction == instruction && instance.step == step && !instance.is_skipped) {
        return i;
      }
    }
    CHECK(false, "every step within the runs is executed");
  }

  std::optional<std::string> find_stale_read() const {
    for (const UnrolledAccess& read : accesses_) {
      if (read.operand == nullptr) continue;
      for (const InstructionId producer : read.operand->producers) {
        if (auto fault = find_stale_read(read, producer)) return fault;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> find_stale_read(const UnrolledAccess& read,
                                             InstructionId producer) const {
    const int64_t step = unrolled_.instances()[read.instance].step - read.operand->distance;
    const Bytes bytes =
        common(read.bytes, written_bytes(plan_, producer, read.operand->buffer, step));
    std::optional<size_t> named;
    if (step >= 0) named = instance_of(producer, step);
    if (named && !unrolled_.is_ordered(*named, read.instance)) {
      return name(read.instance) + " before " + name(*named);
    }
    for (const UnrolledAccess& write : accesses_) {
      if (write.operand != nullptr || !intersects(bytes, write.bytes)) continue;
      if (named && (write.instance == *named || unrolled_.is_ordered(write.instance, *named))) {
        continue;
      }
      if (write.instance == read.instance) continue;
      if (unrolled_.is_ordered(read.instance, write.instance)) continue;
      return name(write.instance) + " spoils what " + name(read.instance) + " reads";
    }
    return std::nullopt;
  }

  std::optional<std::string> find_lost_output() const {
    for (const PlanOutput& output : plan_.outputs) {
      if (output.instruction) continue;
      for (const InstructionId producer : output.value.producers) {
        for (int64_t last = output.value.distance; last < num_steps_; ++last) {
          if (auto fault = find_lost_output(output, producer, last)) return fault;
        }
      }
    }
    return std::nullopt;
  }

  /// As if the run ended after step `last`.
  std::optional<std::string> find_lost_output(const PlanOutput& output, InstructionId producer,
                                              int64_t last) const {
    const int64_t step = last - output.value.distance;
    const size_t named = instance_of(producer, step);
    const Bytes bytes = written_bytes(plan_, producer, output.value.buffer, step);
    for (const UnrolledAccess& write : accesses_) {
      if (write.operand != nullptr || !intersects(bytes, write.bytes)) continue;
      if (unrolled_.instances()[write.instance].step > last || write.instance == named) continue;
      if (unrolled_.is_ordered(write.instance, named)) continue;
      return name(write.instance) + " spoils output " + output.name;
    }
    return std::nullopt;
  }

  const Plan& plan_;
  UnrolledPlan unrolled_;
  int64_t num_steps_ = 0;
  std::vector<UnrolledAccess> accesses_;
};

}  // namespace

UnrolledPlan::UnrolledPlan(const Plan& plan, const std::vector<int64_t>& steps_of_runs)
    : place_(plan.instructions.size()) {
  size_t place = 0;
  for (const PlanLane& lane : plan.lanes) {
    for (const InstructionId id : lane.instructions) place_[id] = place++;
  }
  Run run;
  for (const int64_t steps : steps_of_runs) {
    run.num_steps = steps;
    run.end_interval = run.first_interval + steps + max_stage(plan);
    add_instances(plan, run);
    add_order(plan, run);
    add_pairs(plan, run);
    // The barrier: what follows this run comes after all of it.
    run.num_before = predecessors_.size();
    run.first_interval = run.end_interval;
    run.first_step += steps;
  }
  CHECK(predecessors_.size() <= kMaxInstances, "too many instances for the oracle");
  close();
}

void UnrolledPlan::add_instances(const Plan& plan, const Run& run) {
  std::vector<size_t> all_before(run.num_before);
  for (size_t i = 0; i < all_before.size(); ++i) all_before[i] = i;
  for (int64_t interval = run.first_interval; interval < run.end_interval; ++interval) {
    for (const PlanLane& lane : plan.lanes) {
      for (const InstructionId id : lane.instructions) {
        const int64_t offset = interval - run.first_interval - plan.instructions[id].stage;
        const bool is_skipped = offset < 0 || offset >= run.num_steps;
        instances_.push_back({id, interval, run.first_step + offset, is_skipped});
        const size_t entry = add_event(all_before);
        const size_t start = lane.kind == LaneKind::kReceive ? add_event({entry}) : entry;
        const size_t end = is_message_lane(lane.kind) ? add_event({start}) : start;
        events_.push_back({entry, start, end});
      }
    }
  }
}

size_t UnrolledPlan::add_event(std::vector<size_t> predecessors) {
  predecessors_.push_back(std::move(predecessors));
  return predecessors_.size() - 1;
}

void UnrolledPlan::add_order(const Plan& plan, const Run& run) {
  for (const PlanLane& lane : plan.lanes) {
    add_lane_order(lane, run);
    for (int64_t interval = run.first_interval; interval < run.end_interval; ++interval) {
      for (const InstructionId id : lane.instructions) {
        for (const Wait& wait : plan.instructions[id].waits) {
          if (interval - wait.distance < run.first_interval) continue;
          const auto& waited = plan.lanes[wait.lane].instructions;
          const size_t before =
              find(waited[static_cast<size_t>(wait.count) - 1], interval - wait.distance);
          predecessors_[events_[find(id, interval)].entry].push_back(events_[before].end);
        }
      }
    }
  }
}

void UnrolledPlan::add_lane_order(const PlanLane& lane, const Run& run) {
  std::optional<size_t> previous;
  for (int64_t interval = run.first_interval; interval < run.end_interval; ++interval) {
    for (const InstructionId id : lane.instructions) {
      const size_t current = find(id, interval);
      const Events& after = events_[current];
      if (!is_message_lane(lane.kind)) {
        if (previous) predecessors_[after.entry].push_back(events_[*previous].end);
      } else if (previous) {
        predecessors_[after.entry].push_back(events_[*previous].entry);
        predecessors_[after.end].push_back(events_[*previous].end);
        if (interval > run.first_interval) {
          predecessors_[after.entry].push_back(events_[find(id, interval - 1)].end);
        }
      }
      previous = current;
    }
  }
}

void UnrolledPlan::add_pairs(const Plan& plan, const Run& run) {
  for (const PlanLane& lane : plan.lanes) {
    if (lane.kind != LaneKind::kSend) continue;
    for (size_t i = 0; i < lane.instructions.size(); ++i) {
      for (int64_t interval = run.first_interval; interval < run.end_interval; ++interval) {
        const Events& send = events_[find(lane.instructions[i], interval)];
        const Events& receive = events_[find(plan.lanes[*lane.peer].instructions[i], interval)];
        predecessors_[receive.start].push_back(send.start);
        meetings_.emplace_back(receive.entry, send.end);
      }
    }
  }
}

size_t UnrolledPlan::find(InstructionId instruction, int64_t interval) const {
  return static_cast<size_t>(interval) * place_.size() + place_[instruction];
}

void UnrolledPlan::close() {
  before_.resize(predecessors_.size());
  for (bool has_changed = true; has_changed;) {  // to the fixed point: dumb, on purpose
    has_changed = false;
    for (size_t i = 0; i < before_.size(); ++i) {
      const auto old = before_[i];
      for (const size_t p : predecessors_[i]) {
        before_[i] |= before_[p];
        before_[i].set(p);
      }
      has_changed |= old != before_[i];
    }
  }
  for (size_t i = 0; i < before_.size(); ++i) has_deadlock_ |= before_[i].test(i);
  has_deadlock_ |= has_cycle_where_both_ends_meet();
}

/// Runs what can run, where a send ends only once its receive is posted.
bool UnrolledPlan::has_cycle_where_both_ends_meet() const {
  if (meetings_.empty()) return false;
  std::vector<std::vector<size_t>> open = predecessors_;
  for (const auto& [posted, end] : meetings_) open[end].push_back(posted);
  std::vector<bool> is_over(open.size());
  size_t num_over = 0;
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (size_t i = 0; i < open.size(); ++i) {
      if (is_over[i]) continue;
      const bool can_be = std::all_of(open[i].begin(), open[i].end(),
                                      [&](size_t before) { return is_over[before]; });
      if (!can_be) continue;
      is_over[i] = true;
      ++num_over;
      has_changed = true;
    }
  }
  return num_over < open.size();
}

std::optional<std::string> find_unrolled_fault(const Plan& plan,
                                               const std::vector<int64_t>& steps_of_runs) {
  return UnrolledChecker(plan, steps_of_runs).find();
}

}  // namespace graphrt
