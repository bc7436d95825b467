#include "compiler/schedule/task_graph.h"

namespace graphc {
namespace {

class LaneTableBuilder {
 public:
  explicit LaneTableBuilder(const Machine& machine) : machine_(machine) {}

  LaneTable run() {
    for (const DeviceId device : machine_.devices.ids()) add_compute(device);
    for (size_t i = 0; i < machine_.links.size(); ++i) add_link(i);
    const DeviceId host = machine_.host();
    const auto bandwidth = table_.groups[GroupId(host.value())].shared;
    add_group("feed", feeds_of(machine_.devices[host].num_readers), bandwidth);
    add_group("output", {{"output", LaneKind::kOutput, host, host}}, bandwidth);
    table_.num_shared = num_shared_;
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
    const bool has_shared = is_shared || shares_bandwidth(device);
    add_group(device.name, lanes, has_shared ? std::optional(next_shared()) : std::nullopt);
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

  void add_link(size_t index) {
    const LinkDirection& link = machine_.links[index];
    const std::string name =
        machine_.devices[link.from].name + "->" + machine_.devices[link.to].name;
    std::optional<SharedResourceId> shared;
    if (link.both_bytes_per_s) shared = shared_of_link(index);
    add_group(name, {{name, LaneKind::kLink, link.from, link.to}}, shared);
  }

  /// Both directions of one link share it.
  SharedResourceId shared_of_link(size_t index) {
    for (size_t i = 0; i < index; ++i) {
      if (machine_.links[i].link != machine_.links[index].link) continue;
      const GroupId group(machine_.devices.size() + i);
      return *table_.groups[group].shared;
    }
    return next_shared();
  }

  SharedResourceId next_shared() { return SharedResourceId(num_shared_++); }

  void add_group(const std::string& name, const std::vector<MachineLane>& lanes,
                 std::optional<SharedResourceId> shared) {
    LaneGroup group;
    group.shared = shared;
    for (const MachineLane& lane : lanes) group.lanes.push_back(table_.lanes.push_back(lane));
    table_.groups.push_back(group);
    table_.group_names.push_back(name);
  }

  const Machine& machine_;
  LaneTable table_;
  size_t num_shared_ = 0;
};

}  // namespace

LaneTable lanes_of(const Machine& machine) { return LaneTableBuilder(machine).run(); }

}  // namespace graphc
