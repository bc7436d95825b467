#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"
#include "runtime/plan/plan.h"

namespace graphc {

/// Units: rates in operations (or bytes) per second, decimal; memory in bytes.
struct Device {
  std::string name;
  std::string kind;       ///< "cpu" or the back end of an accelerator, "cuda"
  int32_t num_lanes = 1;  ///< CPU workers or GPU streams
  int64_t memory_bytes = 0;
  std::map<std::string, double> rates;  ///< all lanes together; `bytes` is the memory bandwidth
  /// CPU: what one worker gets of the bandwidth while the others leave it alone; absent: its share.
  std::optional<double> bytes_per_worker_per_s;
  int32_t num_readers = 1;  ///< CPU: threads that bring batches into the host's memory
  int64_t launch_ns = 0;    ///< per operator
  int32_t index = 0;        ///< accelerators: which one of its kind on the machine
  SourceRange where;
};

using LinkResourceId = Id<struct LinkResourceTag>;

/// What directions of links share: a switch, a network card, one link both ways.
struct LinkResource {
  std::string name;
  double bytes_per_s = 0;       ///< of all copies over it together
  bool is_of_one_link = false;  ///< said by `both:` of a link
  SourceRange where = {};
};

/// One direction of a connection.
struct LinkDirection {
  DeviceId from;
  DeviceId to;
  double bytes_per_s = 0;
  std::vector<LinkResourceId> through;  ///< all different, kMaxLaneResources at most
  int64_t latency_ns = 0;
  int32_t link = 0;  ///< index of the entry in the file: both directions have the same
  SourceRange where = {};
};

/// What a kernel of an accelerator was measured to take, launching it included.
struct KernelTime {
  int64_t alone_ns = 0;
  /// One of many that are at work at the same time on different streams: for so long it keeps the
  /// device from others, and no longer than it takes alone. Nothing: the rates have to say it.
  std::optional<int64_t> beside_ns = {};
  bool operator==(const KernelTime&) const = default;
};

/// What a graph runs on: devices, the first of which is the CPU, and links between them.
struct Machine {
  std::string name;
  IdVector<DeviceId, Device> devices;
  IdVector<LinkResourceId, LinkResource> resources;
  std::vector<LinkDirection> links;
  /// By the kind of device and by kernel_signature(): the algorithm that was measured to be the
  /// fastest, in the back end's words; others take the back end's own choice.
  std::map<std::string, std::map<std::string, std::string>> algorithms;
  /// By the same; what others take, the rates say.
  std::map<std::string, std::map<std::string, KernelTime>> times;

  std::optional<DeviceId> find_device(const std::string& device_name) const;
  /// Where a run is fed and hands over its results.
  DeviceId host() const { return DeviceId(0); }
  /// The CPU whose threads drive the device and whose memory is nearest to it; a CPU is its own.
  DeviceId host_of(DeviceId device) const;
  bool is_host(DeviceId device) const { return host_of(device) == device; }
  const LinkDirection* find_link(DeviceId from, DeviceId to) const;
  /// What copies over the link are slowed down by even if they are alone; null: the link itself.
  const LinkResource* slowest_resource(const LinkDirection& link) const;
  /// Of one copy that is alone.
  double bytes_per_s(const LinkDirection& link) const;
  /// Empty: none was measured.
  std::string algorithm_for(const std::string& kind, const std::string& signature) const;
  /// Nothing: it was not measured.
  std::optional<KernelTime> time_for(const std::string& kind, const std::string& signature) const;
  /// The shortest time of any kernel of this operator; nothing: none was measured.
  std::optional<int64_t> least_time_for(const std::string& kind, std::string_view op) const;
};

/// Lets both directions of a link together reach no more than `bytes_per_s`: they share a resource
/// that is named for the link's ends, `cpu-gpu0`.
void limit_both(Machine& machine, LinkDirection& to, LinkDirection& back, double bytes_per_s);

/// Bytes that a plan may use of each device's memory.
using MemoryLimits = IdVector<DeviceId, int64_t>;

/// All the memory that the machine file says there is.
MemoryLimits memory_of(const Machine& machine);

/// One CPU with one worker: what is used when neither the graph nor the user names a machine.
Machine single_cpu_machine();

/// The machine as canonical YAML that load_machine reads back to an equal machine.
std::string to_yaml(const Machine& machine);

}  // namespace graphc
