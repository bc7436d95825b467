#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"

namespace graphc {

enum class ParallelKind { kAuto, kBatch };

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
  std::vector<BatchPart> batch;          ///< kBatch: of different devices, in order of their rows
  std::optional<std::string> update_on;  ///< absent: each sum and update where it is cheapest
  bool update_on_each = false;           ///< instead: all of them on every device of the batch
  SourceRange update_where;              ///< place of `update_on`
  SourceRange where;                     ///< place of `parallel`
};

}  // namespace graphc
