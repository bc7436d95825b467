#include <algorithm>

#include "compiler/schedule/task_graph.h"

namespace graphc {
namespace {

class LaneTableBuilder {
 public:
  LaneTableBuilder(const Machine& machine, const HostPairs* used)
      : machine_(machine), used_(used) {}

  LaneTable run() {
    if (machine_.network) table_.message_ns = machine_.network->message_ns;
    for (const DeviceId device : machine_.devices.ids()) add_compute(device);
    num_of_devices_ = table_.resource_names.size();
    for (const LinkResource& resource : machine_.resources) {
      table_.resource_names.push_back(resource.name);
    }
    for (const LinkDirection& link : machine_.links) {
      if (is_wanted(link)) add_link(link);
    }
    for (const DeviceId device : machine_.devices.ids()) {
      if (machine_.is_host(device)) add_group_on(device, "feed", feeds_of(device));
    }
    const DeviceId host = machine_.host();
    const std::string output = name_on_host(machine_, host, "output");
    add_group_on(host, "output", {lane_of(output, LaneKind::kOutput, host, host)});
    return std::move(table_);
  }

 private:
  void add_compute(DeviceId id) {
    const Device& device = machine_.devices[id];
    const bool is_shared = shares_compute(device);
    const std::string lane_name = device.name + (is_shared ? ".stream" : ".worker");
    std::vector<MachineLane> lanes;
    for (int32_t i = 0; i < device.num_lanes; ++i) {
      lanes.push_back(lane_of(lane_name + std::to_string(i), LaneKind::kCompute, id, id));
    }
    std::vector<SharedResourceId> resources;
    if (is_shared || shares_bandwidth(device)) {
      resources.push_back(table_.resource_names.push_back(device.name));
    }
    add_group(device.name, lanes, resources);
    table_.groups[GroupId(id.value())].is_of_cores = !is_shared;
  }

  /// Of a network only what is used: between many hosts there are many more links.
  bool is_wanted(const LinkDirection& link) const {
    if (!link.is_network || used_ == nullptr) return true;
    return used_->contains({machine_.devices[link.from].host, machine_.devices[link.to].host});
  }

  MachineLane lane_of(const std::string& name, LaneKind kind, DeviceId device,
                      DeviceId destination) const {
    return {name,
            kind,
            device,
            destination,
            machine_.devices[device].host,
            machine_.devices[destination].host};
  }

  std::vector<MachineLane> feeds_of(DeviceId host) const {
    const int32_t num_readers = machine_.devices[host].num_readers;
    const std::string name = name_on_host(machine_, host, "feed");
    if (num_readers == 1) return {lane_of(name, LaneKind::kFeed, host, host)};
    std::vector<MachineLane> lanes;
    for (int32_t i = 0; i < num_readers; ++i) {
      lanes.push_back(lane_of(name + std::to_string(i), LaneKind::kFeed, host, host));
    }
    return lanes;
  }

  /// Lanes of a host's threads, which share its bandwidth with its workers.
  void add_group_on(DeviceId host, const char* name, const std::vector<MachineLane>& lanes) {
    add_group(name_on_host(machine_, host, name), lanes,
              std::vector(table_.groups[GroupId(host.value())].resources));
  }

  void add_link(const LinkDirection& link) {
    const std::string name = name_of_link(machine_, link);
    std::vector<SharedResourceId> resources;
    for (const LinkResourceId id : link.through) {
      resources.emplace_back(num_of_devices_ + id.index());
    }
    add_group(name, {lane_of(name, LaneKind::kLink, link.from, link.to)}, resources);
  }

  void add_group(const std::string& name, const std::vector<MachineLane>& lanes,
                 const std::vector<SharedResourceId>& resources) {
    LaneGroup group;
    group.resources = resources;
    for (const MachineLane& lane : lanes) group.lanes.push_back(table_.lanes.push_back(lane));
    table_.groups.push_back(group);
    table_.group_names.push_back(name);
  }

  const Machine& machine_;
  const HostPairs* used_;
  LaneTable table_;
  size_t num_of_devices_ = 0;  ///< resources
};

}  // namespace

bool is_of_links(const LaneTable& table, SharedResourceId resource) {
  return std::any_of(table.groups.begin(), table.groups.end(), [&](const LaneGroup& group) {
    return table.lanes[group.lanes.front()].kind == LaneKind::kLink &&
           std::find(group.resources.begin(), group.resources.end(), resource) !=
               group.resources.end();
  });
}

int64_t taken_ns(const LaneTable& table, const Task& task, SharedResourceId resource) {
  const std::vector<SharedResourceId>& ids = table.groups[task.group].resources;
  const auto at = std::find(ids.begin(), ids.end(), resource);
  return at == ids.end() ? 0 : task.cost.shared_ns[static_cast<size_t>(at - ids.begin())];
}

LaneTable lanes_of(const Machine& machine) { return LaneTableBuilder(machine, nullptr).run(); }

LaneTable lanes_of(const Machine& machine, const HostPairs& used) {
  return LaneTableBuilder(machine, &used).run();
}

}  // namespace graphc
