#include "tools/graphrun/check_paths.h"

#include <algorithm>

namespace graphrun {

using graphrt::FileOfCall;

std::vector<FileOfCall> named_inputs(const Options& options) {
  std::vector<FileOfCall> files = {{"the plan", options.plan}};
  for (const NamedFile& file : options.inputs) {
    files.push_back({"the array of --input " + file.name, file.path});
  }
  if (options.load_state) files.push_back({"the states of --load-state", *options.load_state});
  const auto& evaluation = options.training.evaluation;
  if (evaluation) files.push_back({"the plan of --eval", *evaluation});
  return files;
}

std::vector<FileOfCall> feeds_of(const graphrt::Plan& plan, const std::filesystem::path& path,
                                 const std::vector<NamedFile>& given) {
  std::vector<FileOfCall> files;
  for (const graphrt::PlanInput& input : plan.inputs) {
    const bool is_given = std::any_of(
        given.begin(), given.end(), [&](const NamedFile& file) { return file.name == input.name; });
    if (!input.feed_path || is_given) continue;
    files.push_back(
        {"the feed of input '" + input.name + "'", path.parent_path() / *input.feed_path});
  }
  return files;
}

std::vector<FileOfCall> files_written_first(const Options& options) {
  if (!options.training.is_resumed) return files_written(options);
  Options others = options;
  others.training.checkpoint.reset();
  return files_written(others);
}

std::vector<FileOfCall> files_written(const Options& options) {
  std::vector<FileOfCall> files;
  for (const NamedFile& file : options.stacked_outputs) {
    files.push_back({"--output " + file.name, file.path});
  }
  for (const NamedFile& file : options.last_outputs) {
    files.push_back({"--output-last " + file.name, file.path});
  }
  if (options.save_state) files.push_back({"--save-state", *options.save_state});
  const TrainingOptions& training = options.training;
  if (training.metrics) files.push_back({"--metrics", *training.metrics});
  if (training.checkpoint) files.push_back({"--checkpoint", *training.checkpoint});
  if (options.trace) files.push_back({"--trace", *options.trace});
  return files;
}

}  // namespace graphrun
