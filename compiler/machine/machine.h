#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
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
  int32_t index = 0;        ///< accelerators: which one of its kind on its host
  HostId host{0};           ///< which it is part of
  SourceRange where;
};

/// One of several computers, known by name, that messages go between.
struct MachineHost {
  std::string name;
  DeviceId cpu;  ///< the first of its devices, which follow one another
  size_t num_devices = 0;
  size_t first_link = 0;  ///< of those between its devices, which follow one another
  size_t num_links = 0;
  SourceRange where = {};
};

/// How any two hosts are connected: by the cards that each has.
struct Network {
  double bytes_per_s = 0;            ///< of one card, either way
  std::optional<double> both_per_s;  ///< of one card, both ways together; absent: twice as much
  int64_t latency_ns = 0;
  int64_t message_ns = 0;  ///< that each message takes the host which it comes to
  int32_t num_cards = 1;   ///< of each host; a message uses all of them
  SourceRange where = {};
};

/// Whether both do the same work in the same time.
bool is_alike(const Device& a, const Device& b);

using LinkResourceId = Id<struct LinkResourceTag>;

/// What directions of links share: a switch, a network card, one link both ways.
struct LinkResource {
  std::string name;
  double bytes_per_s = 0;       ///< of all copies over it together
  bool is_of_one_link = false;  ///< said by `both:` of a link
  SourceRange where = {};
  bool is_of_network = false;  ///< cards of a host
};

/// One direction of a connection.
struct LinkDirection {
  DeviceId from;
  DeviceId to;
  double bytes_per_s = 0;
  std::vector<LinkResourceId> through;  ///< all different, kMaxLaneResources at most
  int64_t latency_ns = 0;
  int32_t link = 0;         ///< index of the entry in the file: both directions have the same
  bool is_network = false;  ///< from the CPU of one host to that of another
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

/// What a graph runs on: devices, the first of which is the CPU, and links between them. Those of
/// several hosts stand host after host; behind them are the links of the network, from each host in
/// turn to each other one.
struct Machine {
  std::string name;
  IdVector<HostId, MachineHost> hosts;  ///< empty: one, which needs no name
  std::optional<Network> network;  ///< of every host to every other; there if there are several
  IdVector<DeviceId, Device> devices;
  IdVector<LinkResourceId, LinkResource> resources;
  std::vector<LinkDirection> links;
  /// By the kind of device and by kernel_signature(): the algorithm that was measured to be the
  /// fastest, in the back end's words; others take the back end's own choice.
  std::map<std::string, std::map<std::string, std::string>> algorithms;
  /// By the same; what others take, the rates say.
  std::map<std::string, std::map<std::string, KernelTime>> times;

  std::optional<DeviceId> find_device(const std::string& device_name) const;
  size_t num_hosts() const { return std::max<size_t>(1, hosts.size()); }
  /// Where a run hands over its results: the CPU of the first host.
  DeviceId host() const { return DeviceId(0); }
  /// The CPU whose threads drive the device and whose memory is nearest to it; a CPU is its own.
  DeviceId host_of(DeviceId device) const;
  bool is_host(DeviceId device) const { return host_of(device) == device; }
  const LinkDirection* find_link(DeviceId from, DeviceId to) const;
  /// Requires: two hosts.
  const LinkDirection& network_link(HostId from, HostId to) const;
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

/// The links without those of a network, of which all are alike, but one.
std::span<const LinkDirection> links_of_kinds(const Machine& machine);

/// The name of a link: from end to end, `cpu->gpu0`; on a host with a name `h0/cpu->gpu0`, between
/// two hosts `h0->h1`.
std::string name_of_link(const Machine& machine, const LinkDirection& link);

/// What a host's threads for feeds and outputs are called: `feed`, or `h0/feed`.
std::string name_on_host(const Machine& machine, DeviceId device, std::string_view name);

/// Bytes that a plan may use of each device's memory.
using MemoryLimits = IdVector<DeviceId, int64_t>;

/// All the memory that the machine file says there is.
MemoryLimits memory_of(const Machine& machine);

/// One CPU with one worker: what is used when neither the graph nor the user names a machine.
Machine single_cpu_machine();

/// The machine as canonical YAML that load_machine reads back to an equal machine.
std::string to_yaml(const Machine& machine);

}  // namespace graphc
