#pragma once

#include <memory>
#include <string>

#include "compiler/lower/lower.h"

/// Decisions as text, printed by --emit=decisions and read, possibly edited, by --decisions. One a
/// line, columns separated by at least two spaces, `#` begins a comment:
///
///   decisions  mlp  62f0c1a9            name and fingerprint of the graph, as in its plan
///   machine    h200-x2  99d01b7e        of the machine
///   parallel batch gpu0 = 60, gpu1 = 40 update_on each
///   launches   joint                    or apart
///   copies     whole                    or blocks
///   overlap    all                      or none
///   budget     gpu0  1048576            bytes; of every device or of none
///   place      z1  gpu0                 of every node
///   rematerialise  h1@gpu0  g1  g2      a value and the readers that get it anew
///   offload    h2@gpu0  g3
///   version    x@gpu0  2                of values that have more than one
///   schedule mlp                        from here on as print_schedule writes it
///   gpu0.stream0  z1  stage=0 start=0ns end=13107ns because longer_path
namespace graphc {

/// Requires: `lowered` is what the decisions, of which none is open, were lowered to; fingerprints
///           are those of its plan.
std::string print_decisions(const Decisions& decisions, const Lowered& lowered,
                            const Fingerprints& fingerprints, const Machine& machine);

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
