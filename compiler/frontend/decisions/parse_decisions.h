#pragma once

#include <memory>
#include <optional>
#include <string>

#include "compiler/graph/parallel.h"
#include "compiler/lower/lower.h"

/// Reads what print_decisions writes (lower/print_decisions.h), possibly edited.
namespace graphc {

/// What stands before passes can run.
/// Errors (at their place): no text of decisions; those of another machine.
Result<std::optional<Parallel>> parse_parallel_decision(
    const std::shared_ptr<const SourceFile>& file, const Machine& machine,
    const std::string& machine_fingerprint, DiagnosticSink& diagnostics);

/// All of it, for the graph as the passes left it; the fingerprint is that which its plan gets.
/// Requires: parse_parallel_decision read the file.
///
/// Errors (at their place): decisions for another graph; a line that is no decision or stands
/// twice;
///         an unknown node, device, value, operation or lane, with the nearest that is there; a
///         node without a device, or on another than the graph pins it to; a value that cannot be
///         had again; a schedule that is not possible, with the cycle if there is one.
Result<Decisions> parse_decisions(const std::shared_ptr<const SourceFile>& file,
                                  const Target& target, const Shared<Graph>& graph,
                                  const std::string& graph_fingerprint,
                                  DiagnosticSink& diagnostics);

}  // namespace graphc
