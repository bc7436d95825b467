#include <algorithm>

#include "compiler/schedule/task_graph.h"

namespace graphc {
namespace {

class LaneTableBuilder {
 public:
  explicit LaneTableBuilder(const Machine& machine) : machine_(machine) {}

  LaneTable run() {
    for (const DeviceId device : machine_.devices.ids()) add_compute(device);
    num_of_devices_ = table_.resource_names.size();
    for (const LinkResource& resource : machine_.resources) {
      table_.resource_names.push_back(resource.name);
    }
    for (const LinkDirection& link : machine_.links) add_link(link);
    const DeviceId host = machine_.host();
    const std::vector<SharedResourceId> bandwidth = table_.groups[GroupId(host.value())].resources;
    add_group("feed", feeds_of(machine_.devices[host].num_readers), bandwidth);
    add_group("output", {{"output", LaneKind::kOutput, host, host}}, bandwidth);
    return std::move(table_);
  }

 private:
  void add_compute(DeviceId id) {
    const Device& device = machine_.devices[id];
    const bool is_shared = shares_compute(device);
    const std::string lane_name = device.name + (is_shared ? ".stream" : ".worker");
    std::vector<MachineLane> lanes;
    for (int32_t i = 0; i < device.num_lanes; ++i) {
      lanes.push_back({lane_name + std::to_string(i), LaneKind::kCompute, id, id});
    }
    std::vector<SharedResourceId> resources;
    if (is_shared || shares_bandwidth(device)) {
      resources.push_back(table_.resource_names.push_back(device.name));
    }
    add_group(device.name, lanes, resources);
    table_.groups[GroupId(id.value())].is_of_cores = !is_shared;
  }

  std::vector<MachineLane> feeds_of(int32_t num_readers) const {
    const DeviceId host = machine_.host();
    if (num_readers == 1) return {{"feed", LaneKind::kFeed, host, host}};
    std::vector<MachineLane> lanes;
    for (int32_t i = 0; i < num_readers; ++i) {
      lanes.push_back({"feed" + std::to_string(i), LaneKind::kFeed, host, host});
    }
    return lanes;
  }

  void add_link(const LinkDirection& link) {
    const std::string name =
        machine_.devices[link.from].name + "->" + machine_.devices[link.to].name;
    std::vector<SharedResourceId> resources;
    for (const LinkResourceId id : link.through) {
      resources.emplace_back(num_of_devices_ + id.index());
    }
    add_group(name, {{name, LaneKind::kLink, link.from, link.to}}, resources);
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

LaneTable lanes_of(const Machine& machine) { return LaneTableBuilder(machine).run(); }

}  // namespace graphc
