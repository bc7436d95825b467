#include "compiler/lower/written_schedule.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

using Names = std::set<std::string, std::less<>>;

Names names_of(const TaskGraph& tasks) {
  Names names;
  for (const Task& task : tasks.tasks) names.insert(task.name);
  return names;
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
  const Names whole_names = names_of(tasks);
  const Names block_names = names_of(blocks);
  const Names mentioned = task_names_in(file->text);
  const bool names_a_block =
      std::any_of(mentioned.begin(), mentioned.end(), [&](const std::string& name) {
        return block_names.contains(name) && !whole_names.contains(name);
      });
  if (names_a_block) {
    written = in_blocks;
    tasks = blocks;
  }
  TRY(Schedule schedule, parse_schedule(file, tasks, diagnostics));
  written.order = LaneOrder{std::move(schedule.solution), Times::kKeep};
  return written;
}

}  // namespace graphc
