#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

struct ProbeOptions {
  std::optional<std::string> name;     ///< default: what it consists of, like cpu-2gpu
  std::optional<int32_t> num_workers;  ///< default: a core stays free to launch and to feed
};

struct Probed {
  graphc::Machine machine;
  std::string origin;              ///< what it was measured on, for a comment
  std::vector<std::string> notes;  ///< what was left out and why, a line each
};

/// Measures the CPU, the GPUs of `registry` and the links between them, one after the other, with
/// nothing else running. Figures are rounded to what repeats.
/// Errors: a GPU that is there and cannot be used (kMachine).
graphrt::Result<Probed> probe(const ProbeOptions& options, const graphrt::DeviceRegistry& registry);

/// The machine as the text of a file, `origin` as a comment on top.
std::string machine_file(const Probed& probed);

/// Whether a machine survives being written and read.
/// Errors: it does not; its name is the one part that can be at fault (kUsage).
graphrt::Result<void> check_reads_back(const graphc::Machine& machine);

}  // namespace graphprobe
