#include "compiler/frontend/decisions/written_schedule.h"

#include <algorithm>
#include <utility>

#include "compiler/frontend/decisions/parse_schedule.h"

namespace graphc {
namespace {

/// Whether the text names a task of `blocks` that is none of `whole`.
bool names_a_block(std::string_view text, const TaskGraph& whole, const TaskGraph& blocks) {
  auto mentioned = task_names_in(text);
  for (const Task& task : whole.tasks) mentioned.erase(task.name);
  return std::any_of(blocks.tasks.begin(), blocks.tasks.end(),
                     [&](const Task& task) { return mentioned.contains(task.name); });
}

}  // namespace

Result<Decisions> with_written_schedule(Decisions decisions,
                                        const std::shared_ptr<const SourceFile>& file,
                                        const Target& target, const Shared<Graph>& graph,
                                        DiagnosticSink& diagnostics) {
  Decisions written;
  written.parallel = std::move(decisions.parallel);
  written.assignment = std::move(decisions.assignment);
  TRY(const Shared<PlacedGraph> placed,
      lower_to_copies(target, graph, written, Gates::kNone, diagnostics));
  Shared<TaskGraph> tasks = lower_to_tasks(target, placed, written, Gates::kNone);

  Decisions in_blocks = written;
  in_blocks.copies = CopyBlocks::kBlocks;
  const Shared<TaskGraph> blocks = lower_to_tasks(target, placed, in_blocks, Gates::kNone);
  if (names_a_block(file->text, tasks, blocks)) {
    written = in_blocks;
    tasks = blocks;
  }
  TRY(Schedule schedule, parse_schedule(file, tasks, diagnostics));
  written.order = LaneOrder{std::move(schedule.solution), Times::kKeep};
  return written;
}

}  // namespace graphc
