#include "compiler/machine/hosts.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

class HostJoiner {
 public:
  HostJoiner(Machine whole, const std::vector<HostPart>& parts)
      : whole_(std::move(whole)), parts_(parts) {}

  Machine run() {
    CHECK(parts_.size() > 1 && parts_.size() <= kMaxHosts, "several hosts");
    CHECK(whole_.network.has_value(), "hosts are connected by a network");
    for (const HostPart& part : parts_) add_host(part);
    for (const HostId host : whole_.hosts.ids()) add_cards(host);
    for (const HostId from : whole_.hosts.ids()) {
      for (const HostId to : whole_.hosts.ids()) {
        if (from != to) add_network_link(from, to);
      }
    }
    return std::move(whole_);
  }

 private:
  /// What a host's cards let through, all of them together.
  struct Cards {
    LinkResourceId out;
    LinkResourceId in;
    std::optional<LinkResourceId> both;
  };

  void add_host(const HostPart& part) {
    const HostId host(whole_.hosts.size());
    const std::string prefix = part.name + "/";
    const size_t first_device = whole_.devices.size();
    const size_t first_resource = whole_.resources.size();
    whole_.hosts.push_back({part.name, DeviceId(first_device), part.machine.devices.size(),
                            whole_.links.size(), part.machine.links.size(), part.where});
    for (Device device : part.machine.devices) {
      device.name = prefix + device.name;
      device.host = host;
      whole_.devices.push_back(std::move(device));
    }
    for (LinkResource resource : part.machine.resources) {
      resource.name = prefix + resource.name;
      whole_.resources.push_back(std::move(resource));
    }
    const auto first_link = static_cast<int32_t>(whole_.links.size() / 2);
    for (LinkDirection link : part.machine.links) {
      link.from = DeviceId(first_device + link.from.index());
      link.to = DeviceId(first_device + link.to.index());
      for (LinkResourceId& id : link.through) id = LinkResourceId(first_resource + id.index());
      link.link += first_link;
      whole_.links.push_back(std::move(link));
    }
  }

  void add_cards(HostId host) {
    const Network& network = *whole_.network;
    const double num_cards = network.num_cards;
    const std::string& name = whole_.hosts[host].name;
    const auto add = [&](const char* what, double bytes_per_s) {
      return whole_.resources.push_back(
          {name + "/network" + what, bytes_per_s * num_cards, false, network.where, true});
    };
    Cards cards{add(".out", network.bytes_per_s), add(".in", network.bytes_per_s), std::nullopt};
    if (network.both_per_s) cards.both = add("", *network.both_per_s);
    cards_.push_back(cards);
  }

  void add_network_link(HostId from, HostId to) {
    const Network& network = *whole_.network;
    LinkDirection link;
    link.from = whole_.hosts[from].cpu;
    link.to = whole_.hosts[to].cpu;
    link.bytes_per_s = network.bytes_per_s * network.num_cards;
    link.through = {cards_[from].out, cards_[to].in};
    for (const HostId end : {from, to}) {
      if (cards_[end].both) link.through.push_back(*cards_[end].both);
    }
    link.latency_ns = network.latency_ns;
    link.link = static_cast<int32_t>(whole_.links.size());
    link.is_network = true;
    link.where = network.where;
    whole_.links.push_back(std::move(link));
  }

  Machine whole_;
  const std::vector<HostPart>& parts_;
  IdVector<HostId, Cards> cards_;
};

}  // namespace

Machine join_hosts(Machine whole, const std::vector<HostPart>& parts) {
  return HostJoiner(std::move(whole), parts).run();
}

Machine machine_of_host(const Machine& whole, HostId id) {
  const MachineHost& host = whole.hosts[id];
  const size_t prefix = host.name.size() + 1;
  Machine part;
  part.name = whole.name;
  for (size_t i = 0; i < host.num_devices; ++i) {
    Device device = whole.devices[DeviceId(host.cpu.index() + i)];
    device.name = device.name.substr(prefix);
    device.host = HostId(0);
    part.devices.push_back(std::move(device));
  }
  std::map<LinkResourceId, LinkResourceId> resource_ids;
  for (const LinkResourceId resource_id : whole.resources.ids()) {
    LinkResource resource = whole.resources[resource_id];
    if (resource.is_of_network || !resource.name.starts_with(host.name + "/")) continue;
    resource.name = resource.name.substr(prefix);
    resource_ids[resource_id] = part.resources.push_back(std::move(resource));
  }
  for (size_t i = 0; i < host.num_links; ++i) {
    LinkDirection link = whole.links[host.first_link + i];
    link.from = DeviceId(link.from.index() - host.cpu.index());
    link.to = DeviceId(link.to.index() - host.cpu.index());
    for (LinkResourceId& resource : link.through) resource = resource_ids.at(resource);
    link.link = static_cast<int32_t>(i / 2);
    part.links.push_back(std::move(link));
  }
  return part;
}

Machine repeat_host(const Machine& one, int32_t count) {
  Machine whole;
  whole.name = one.name;
  whole.network = one.network;
  whole.algorithms = one.algorithms;
  whole.times = one.times;
  std::vector<HostPart> parts;
  for (int32_t i = 0; i < count; ++i) parts.push_back({"h" + std::to_string(i), one, {}});
  return join_hosts(std::move(whole), parts);
}

}  // namespace graphc
