#pragma once

#include <optional>
#include <vector>

#include "runtime/base/files_of_call.h"
#include "runtime/plan/plan.h"
#include "tools/graphrun/options.h"

namespace graphrun {

/// Every file that the options name for reading. A checkpoint that is resumed, and its table of
/// metrics, are not among them: they are written on purpose.
std::vector<graphrt::FileOfCall> named_inputs(const Options& options);

/// The feeds of a plan at `path` that a run takes from their files: those of inputs that are not in
/// `given`.
std::vector<graphrt::FileOfCall> feeds_of(const graphrt::Plan& plan,
                                          const std::filesystem::path& path,
                                          const std::vector<NamedFile>& given);

/// Every file that a run with these options writes; a checkpoint that is to be resumed, first of
/// all is read, and then is left out here.
std::vector<graphrt::FileOfCall> files_written_first(const Options& options);

/// Every file that a run with these options writes.
std::vector<graphrt::FileOfCall> files_written(const Options& options);

}  // namespace graphrun
