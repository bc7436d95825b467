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
///   launches   joint                    or separate
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

}  // namespace graphc
