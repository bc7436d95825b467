#pragma once

#include <string>

#include "compiler/sync/synchronised.h"

namespace graphc {

/// The predicted timeline as Chrome trace events (JSON), for Perfetto: a process a device, a thread
/// a lane, the step of every slice among its arguments. The measured one of graphrun has the same
/// form.
std::string to_trace(const Synchronised& synchronised, const Machine& machine, int64_t num_steps);

}  // namespace graphc
