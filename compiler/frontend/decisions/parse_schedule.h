#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/schedule/schedule.h"

namespace graphc {

/// The tasks that such a text names, whether there are such tasks or not.
std::set<std::string, std::less<>> task_names_in(std::string_view schedule_text);

/// Versions of values as they are written beside a schedule; nothing where they are to be found.
using WrittenVersions = std::optional<IdVector<VersionedId, int32_t>>;

/// Reads what print_schedule wrote, possibly edited: lanes, order and stages are taken from the
/// text. With `versions`, start times and reasons are, too, if all are there and versions and times
/// suit the order; otherwise times and versions are found again.
///
/// Errors (at their place): a line that is no task line, an unknown lane or task, a task twice or
///         not at all, a lane that cannot run the task, a schedule that verify_schedule refuses.
Result<Schedule> parse_schedule(const std::shared_ptr<const SourceFile>& file,
                                const Shared<TaskGraph>& tasks, DiagnosticSink& diagnostics,
                                const WrittenVersions& versions = std::nullopt);

}  // namespace graphc
