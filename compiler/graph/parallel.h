#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"
#include "runtime/plan/plan.h"

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
  HostId host{0};  ///< of the device, once the machine is known
};

/// What the batch is divided over without a list: the devices of all hosts.
inline constexpr std::string_view kAllHosts = "hosts";

/// What `parallel:` asks for: how a step is spread over devices. `divide` turns it into nodes.
/// (`layers` is not here: it pins nodes, as `device:` does.)
struct Parallel {
  ParallelKind kind = ParallelKind::kAuto;
  std::vector<BatchPart> batch;  ///< kBatch: of different devices, in order of their rows
  UpdatePlace updates = UpdatePlace::kAuto;
  std::string update_device;  ///< kDevice
  SourceRange update_where;   ///< place of `update_on`
  SourceRange where;          ///< place of `parallel`
  // Once the machine is known, and has several hosts:
  HostId update_host{0};      ///< of `update_device`
  std::string result_device;  ///< where results are handed out: the CPU of the first host
};

/// What `update_on` says: a device, `each`, `shards`; nothing for kAuto.
std::optional<std::string> text_of_updates(const Parallel& parallel);

}  // namespace graphc
