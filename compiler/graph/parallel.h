#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"

namespace graphc {

enum class ParallelKind { kAuto, kBatch };

/// Where gradients of the parts are summed and states updated.
enum class UpdatePlace : uint8_t {
  kAuto,        ///< each sum and update where it is cheapest
  kOneDevice,   ///< all on one device
  kReplicated,  ///< all of them on every device of the batch, as after an all-reduce
  kSharded,     ///< on every device of the batch some rows of each, which are then exchanged
};

/// A device's part of the batch.
struct BatchPart {
  std::string device;
  std::optional<int64_t> rows;  ///< absent: as many as its speed allows
  SourceRange where;
};

/// What `parallel:` asks for: how a step is spread over devices. `divide` turns it into nodes.
/// (`layers` is not here: it pins nodes, as `device:` does.)
struct Parallel {
  ParallelKind kind = ParallelKind::kAuto;
  std::vector<BatchPart> batch;  ///< kBatch: of different devices, in order of their rows
  UpdatePlace updates = UpdatePlace::kAuto;
  std::string update_device;  ///< kDevice
  SourceRange update_where;   ///< place of `update_on`
  SourceRange where;          ///< place of `parallel`
};

/// What `update_on` says: a device, `each`, `shards`; nothing for kAuto.
std::optional<std::string> text_of_updates(const Parallel& parallel);

}  // namespace graphc
