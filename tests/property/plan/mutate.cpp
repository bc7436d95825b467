#include "tests/property/plan/mutate.h"

#include <algorithm>
#include <array>
#include <utility>

namespace graphrt {
namespace {

constexpr std::array<std::string_view, 14> kNames = {
    "remove a wait",  "lower a count",       "raise a distance",    "move a buffer",
    "change a size",  "shift a stage",       "change versions",     "move to another lane",
    "other producer", "other read distance", "swap two neighbours", "other results",
    "other rows",     "other scratch"};

/// Collects changes of one kind.
class Mutator {
 public:
  Mutator(const Plan& plan, MutationKind kind) : plan_(plan), kind_(kind) {}

  std::vector<Mutation> run() {
    // In the order of the kinds.
    constexpr std::array kChanges = {&Mutator::change_waits,    &Mutator::change_waits,
                                     &Mutator::change_waits,    &Mutator::move_buffers,
                                     &Mutator::resize,          &Mutator::shift_stages,
                                     &Mutator::change_versions, &Mutator::move_instructions,
                                     &Mutator::change_operands, &Mutator::change_operands,
                                     &Mutator::swap_neighbours, &Mutator::change_writes,
                                     &Mutator::change_rows,     &Mutator::change_scratch};
    static_assert(kChanges.size() == kNames.size());
    (this->*kChanges[static_cast<size_t>(kind_)])();
    return std::move(mutations_);
  }

 private:
  void add(std::string description, std::function<void(Plan&)> apply) {
    mutations_.push_back({kind_, std::move(description), std::move(apply)});
  }

  const std::string& name(InstructionId id) const { return plan_.instructions[id].name; }

  std::string text_of(const Wait& wait) const {
    return "wait(" + plan_.lanes[wait.lane].name + ", " + std::to_string(wait.count) + ", " +
           std::to_string(wait.distance) + ")";
  }

  void change_waits() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const std::vector<Wait>& waits = plan_.instructions[id].waits;
      for (size_t i = 0; i < waits.size(); ++i) change_wait(id, i);
    }
  }

  void change_wait(InstructionId id, size_t index) {
    const Wait before = plan_.instructions[id].waits[index];
    const std::string where = " of '" + name(id) + "'";
    if (kind_ == MutationKind::kRemoveWait) {
      return add("without " + text_of(before) + where, [id, index](Plan& plan) {
        std::vector<Wait>& waits = plan.instructions[id].waits;
        waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(index));
      });
    }
    Wait after = before;
    if (kind_ == MutationKind::kLowerCount) --after.count;
    if (kind_ == MutationKind::kRaiseDistance) ++after.distance;
    if (after.count == 0) return;
    add(text_of(after) + where + " instead of " + text_of(before),
        [id, index, after](Plan& plan) { plan.instructions[id].waits[index] = after; });
  }

  static void grow_arena(Plan& plan, const PlanBuffer& buffer) {
    const int64_t end_bytes = buffer.offset_bytes + (buffer.versions - 1) * buffer.stride_bytes +
                              buffer.type.size_bytes();
    PlanArena& arena = plan.arenas[buffer.arena];
    arena.size_bytes = std::max(arena.size_bytes, end_bytes);
  }

  void move_buffer(BufferId id, int64_t offset_bytes) {
    add("buffer '" + plan_.buffers[id].name + "' at " + std::to_string(offset_bytes),
        [id, offset_bytes](Plan& plan) {
          plan.buffers[id].offset_bytes = offset_bytes;
          grow_arena(plan, plan.buffers[id]);
        });
  }

  void move_buffers() {
    for (const BufferId id : plan_.buffers.ids()) {
      const PlanBuffer& buffer = plan_.buffers[id];
      move_buffer(id, buffer.offset_bytes - kBufferAlignmentBytes);
      move_buffer(id, buffer.offset_bytes + kBufferAlignmentBytes);
      for (const PlanBuffer& other : plan_.buffers) {
        if (other.arena != buffer.arena || other.offset_bytes == buffer.offset_bytes) continue;
        move_buffer(id, other.offset_bytes);
      }
    }
  }

  void resize() {
    for (const int64_t change : {int64_t{-1}, int64_t{1}}) {
      const int64_t change_bytes = change * kBufferAlignmentBytes;
      for (const ArenaId id : plan_.arenas.ids()) {
        add("arena " + std::to_string(id.value()) + ", bytes " + std::to_string(change_bytes),
            [id, change_bytes](Plan& plan) { plan.arenas[id].size_bytes += change_bytes; });
      }
      for (const BufferId id : plan_.buffers.ids()) {
        const PlanBuffer& buffer = plan_.buffers[id];
        if (buffer.versions > 1) {
          add("stride of '" + buffer.name + "', bytes " + std::to_string(change_bytes),
              [id, change_bytes](Plan& plan) {
                plan.buffers[id].stride_bytes += change_bytes;
                grow_arena(plan, plan.buffers[id]);
              });
        }
        if (buffer.type.rank() == 0 || buffer.type.shape[0] + change == 0) continue;
        add("rows of '" + buffer.name + "', " + std::to_string(change), [id, change](Plan& plan) {
          plan.buffers[id].type.shape[0] += change;
          grow_arena(plan, plan.buffers[id]);
        });
      }
    }
  }

  void shift_stages() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const int32_t stage = plan_.instructions[id].stage;
      for (const int32_t changed : {stage - 1, stage + 1}) {
        if (changed < 0) continue;
        add("stage " + std::to_string(changed) + " of '" + name(id) + "'",
            [id, changed](Plan& plan) { plan.instructions[id].stage = changed; });
      }
    }
  }

  void change_versions() {
    for (const BufferId id : plan_.buffers.ids()) {
      const PlanBuffer& buffer = plan_.buffers[id];
      for (const int32_t versions : {buffer.versions - 1, buffer.versions + 1}) {
        if (versions == 0) continue;
        add(std::to_string(versions) + " versions of '" + buffer.name + "'",
            [id, versions](Plan& plan) {
              PlanBuffer& changed = plan.buffers[id];
              // With one version, a plan may say anything that is at least the size.
              constexpr int64_t kUnit = kBufferAlignmentBytes;
              changed.stride_bytes = (changed.stride_bytes + kUnit - 1) / kUnit * kUnit;
              changed.versions = versions;
              grow_arena(plan, changed);
            });
      }
    }
  }

  /// Lanes of any kind that have instructions, and one of those that have none.
  std::vector<LaneId> lanes_to_move_to() const {
    std::vector<LaneId> lanes;
    bool has_empty = false;
    for (const LaneId lane : plan_.lanes.ids()) {
      const bool is_empty = plan_.lanes[lane].instructions.empty();
      if (is_empty && std::exchange(has_empty, true)) continue;
      lanes.push_back(lane);
    }
    return lanes;
  }

  void move_instructions() {
    const auto positions = lane_positions(plan_);
    const std::vector<LaneId> lanes = lanes_to_move_to();
    for (const InstructionId id : plan_.instructions.ids()) {
      for (const LaneId lane : lanes) {
        if (lane == positions[id].lane) continue;
        add("'" + name(id) + "' on lane '" + plan_.lanes[lane].name + "'",
            [id, lane](Plan& plan) { move_instruction(plan, id, lane); });
      }
    }
  }

  static void move_instruction(Plan& plan, InstructionId id, LaneId lane) {
    std::vector<std::pair<Wait*, InstructionId>> named;
    for (Instruction& instruction : plan.instructions) {
      for (Wait& wait : instruction.waits) {
        const auto& instructions = plan.lanes[wait.lane].instructions;
        named.emplace_back(&wait, instructions[static_cast<size_t>(wait.count) - 1]);
      }
    }
    const LanePosition from = lane_positions(plan)[id];
    std::erase(plan.lanes[from.lane].instructions, id);
    std::vector<InstructionId>& target = plan.lanes[lane].instructions;
    const auto place = std::min(static_cast<size_t>(from.position), target.size());
    target.insert(target.begin() + static_cast<std::ptrdiff_t>(place), id);
    const auto positions = lane_positions(plan);
    for (const auto& [wait, instruction] : named) {
      wait->lane = positions[instruction].lane;
      wait->count = positions[instruction].position + 1;
    }
  }

  /// What an instruction reads, or an output without one.
  void change_operands() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const auto& reads = plan_.instructions[id].reads;
      for (size_t i = 0; i < reads.size(); ++i) {
        const std::string where = "operand " + std::to_string(i) + " of '" + name(id) + "'";
        change_operand(where, reads[i], [id, i](Plan& plan, const Operand& operand) {
          plan.instructions[id].reads[i] = operand;
          for (PlanOutput& output : plan.outputs) {
            if (output.instruction == id) output.value = operand;
          }
        });
      }
    }
    for (size_t i = 0; i < plan_.outputs.size(); ++i) {
      if (plan_.outputs[i].instruction) continue;
      change_operand("output '" + plan_.outputs[i].name + "'", plan_.outputs[i].value,
                     [i](Plan& plan, const Operand& operand) { plan.outputs[i].value = operand; });
    }
  }

  template <class Store>
  void change_operand(const std::string& where, const Operand& before, Store store) {
    if (before.producers.empty()) return;  // what nothing replaces is the same in every step
    const auto change = [&](const std::string& how, const Operand& after) {
      add(where + how, [store, after](Plan& plan) { store(plan, after); });
    };
    Operand after = before;
    if (kind_ == MutationKind::kChangeReadDistance) {
      ++after.distance;
      change(", distance raised", after);
      after.distance = before.distance - 1;
      if (after.distance >= 0) change(", distance lowered", after);
      return;
    }
    after.producers.pop_back();
    change(" without its last producer", after);
    const auto& known = before.producers;
    for (const InstructionId other : plan_.instructions.ids()) {
      const bool is_known = std::find(known.begin(), known.end(), other) != known.end();
      if (plan_.instructions[other].writes.empty() || is_known) continue;
      after.producers = known;
      after.producers.back() = other;
      std::sort(after.producers.begin(), after.producers.end());
      change(" names '" + name(other) + "'", after);
    }
  }

  void swap_neighbours() {
    for (const LaneId lane : plan_.lanes.ids()) {
      const std::vector<InstructionId>& instructions = plan_.lanes[lane].instructions;
      for (size_t i = 1; i < instructions.size(); ++i) {
        add("'" + name(instructions[i]) + "' before '" + name(instructions[i - 1]) + "'",
            [lane, i](Plan& plan) {
              std::vector<InstructionId>& order = plan.lanes[lane].instructions;
              std::swap(order[i - 1], order[i]);
            });
      }
    }
  }

  /// Operands go on to name who wrote what they read.
  void change_writes() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const std::vector<BufferId>& writes = plan_.instructions[id].writes;
      const std::string of = " of '" + name(id) + "'";
      for (size_t i = 0; i < writes.size(); ++i) {
        const std::string which = "result " + std::to_string(i) + of;
        add("without " + which, [id, i](Plan& plan) {
          std::vector<BufferId>& changed = plan.instructions[id].writes;
          changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
        });
        add(which + " twice", [id, i](Plan& plan) {
          std::vector<BufferId>& changed = plan.instructions[id].writes;
          changed.push_back(changed[i]);
        });
        if (i > 0) {
          add(which + " exchanged with that before it", [id, i](Plan& plan) {
            std::vector<BufferId>& changed = plan.instructions[id].writes;
            std::swap(changed[i - 1], changed[i]);
          });
        }
        for (const BufferId other : plan_.buffers.ids()) {
          if (other == writes[i]) continue;
          add(which + " in '" + plan_.buffers[other].name + "'", [id, i, other](Plan& plan) {
            plan.instructions[id].writes[i] = other;
            name_producers(plan);
          });
        }
      }
    }
  }

  static void name_producers(Plan& plan) {
    const auto writers = writers_of_buffers(plan);
    const auto update = [&](Operand& operand) {
      operand.producers =
          producers_of_rows(plan, operand.buffer, operand.rows, writers[operand.buffer]);
    };
    for (Instruction& instruction : plan.instructions) {
      for (Operand& operand : instruction.reads) update(operand);
    }
    for (PlanOutput& output : plan.outputs) update(output.value);
  }

  /// Operands go on to name who wrote what they read.
  void change_rows() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const Instruction& instruction = plan_.instructions[id];
      for (size_t i = 0; i < instruction.reads.size(); ++i) {
        const Operand& operand = instruction.reads[i];
        if (!operand.rows) continue;
        const int64_t num_rows = rows_or_all(plan_.buffers[operand.buffer].type, {}).end;
        for (const int64_t shift : {int64_t{-1}, int64_t{1}}) {
          const RowRange rows{operand.rows->begin + shift, operand.rows->end + shift};
          if (rows.begin < 0 || rows.end > num_rows) continue;
          add("operand " + std::to_string(i) + " of '" + name(id) + "' is rows " + to_string(rows),
              [id, i, rows](Plan& plan) {
                plan.instructions[id].reads[i].rows = rows;
                name_producers(plan);
              });
        }
      }
    }
    for (const std::vector<InstructionId>& writers : writers_of_buffers(plan_)) {
      for (size_t i = 1; i < writers.size(); ++i) exchange_rows(writers[i - 1], writers[i]);
    }
  }

  /// Of two that write the same buffer.
  void exchange_rows(InstructionId first, InstructionId second) {
    add("'" + name(first) + "' writes the rows of '" + name(second) + "' and the reverse",
        [first, second](Plan& plan) {
          std::swap(plan.instructions[first].rows, plan.instructions[second].rows);
          name_producers(plan);
        });
  }

  void change_scratch() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const std::string of = " of '" + name(id) + "'";
      const std::optional<BufferId> scratch = plan_.instructions[id].scratch;
      if (scratch) {
        add("no scratch memory" + of, [id](Plan& plan) { plan.instructions[id].scratch.reset(); });
        for (const int64_t change : {int64_t{-1}, int64_t{1}}) {
          add("scratch memory" + of + ", bytes " + std::to_string(change),
              [buffer = *scratch, change](Plan& plan) {
                plan.buffers[buffer].type.shape[0] += change;
                grow_arena(plan, plan.buffers[buffer]);
              });
        }
      }
      for (const BufferId other : plan_.buffers.ids()) {
        if (other == scratch) continue;
        add("scratch memory" + of + " in '" + plan_.buffers[other].name + "'",
            [id, other](Plan& plan) {
              plan.instructions[id].scratch = other;
              name_producers(plan);
            });
      }
    }
  }

  const Plan& plan_;
  MutationKind kind_;
  std::vector<Mutation> mutations_;
};

std::vector<Mutant> mutants_of(const Plan& plan, const std::vector<MutationKind>& kinds) {
  std::vector<Mutant> mutants;
  for (const MutationKind kind : kinds) {
    for (const Mutation& mutation : mutations_of(plan, kind)) {
      mutants.push_back({mutated(plan, mutation), mutation.description});
    }
  }
  return mutants;
}

}  // namespace

std::string_view name_of(MutationKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::vector<MutationKind> all_mutation_kinds() {
  std::vector<MutationKind> kinds;
  for (size_t i = 0; i < kNames.size(); ++i) kinds.push_back(static_cast<MutationKind>(i));
  return kinds;
}

std::vector<Mutation> mutations_of(const Plan& plan, MutationKind kind) {
  return Mutator(plan, kind).run();
}

Plan mutated(const Plan& plan, const Mutation& mutation) {
  Plan mutant = plan;
  mutation.apply(mutant);
  mutant.required_features = features_of(mutant);
  return mutant;
}

std::vector<Mutant> wait_mutants(const Plan& plan) {
  return mutants_of(
      plan, {MutationKind::kRemoveWait, MutationKind::kLowerCount, MutationKind::kRaiseDistance});
}

std::vector<Mutant> order_mutants(const Plan& plan) {
  return mutants_of(plan, {MutationKind::kSwapNeighbours});
}

}  // namespace graphrt
