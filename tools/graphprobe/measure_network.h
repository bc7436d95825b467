#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/remote/transport.h"

namespace graphprobe {

/// Measures messages between rank 0 and rank 1 of mpirun, as plans send them, and gives the
/// `network:` line of a machine file; elsewhere than on rank 0 an empty one.
/// Errors: another number of ranks than 2 (kUsage); what the network reports (kMachine).
graphrt::Result<std::string> measure_network(graphrt::Transport& transport);

}  // namespace graphprobe
