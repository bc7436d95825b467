#pragma once

#include <memory>

#include "compiler/lower/lower.h"

namespace graphc {

/// The decisions with the order of a schedule's text instead of their own; copies are whole or in
/// blocks as it names them, and nothing is given up for memory.
///
/// Errors (at their place): those of parse_schedule.
Result<Decisions> with_written_schedule(Decisions decisions,
                                        const std::shared_ptr<const SourceFile>& file,
                                        const Target& target, const Shared<Graph>& graph,
                                        DiagnosticSink& diagnostics);

}  // namespace graphc
