#include "compiler/machine/routes.h"

#include <algorithm>
#include <optional>
#include <span>

namespace graphc {
namespace {

constexpr double kRouteBytes = 1 << 20;

double hop_ns(const Machine& machine, const LinkDirection& link) {
  return static_cast<double>(link.latency_ns) + kRouteBytes / machine.bytes_per_s(link) * 1e9;
}

struct Reached {
  double cost_ns = 0;
  int num_hops = 0;
  const LinkDirection* by = nullptr;
};

bool is_better(const Reached& a, const Reached& b) {
  if (a.cost_ns != b.cost_ns) return a.cost_ns < b.cost_ns;
  return a.num_hops < b.num_hops;
}

/// Within one host, whose links are `links`.
std::vector<const LinkDirection*> route_among(const Machine& machine,
                                              std::span<const LinkDirection> links,
                                              const MachineHost& host, DeviceId from, DeviceId to) {
  if (from == to) return {};
  std::vector<std::optional<Reached>> reached(host.num_devices);
  const auto at = [&](DeviceId device) -> std::optional<Reached>& {
    return reached[device.index() - host.cpu.index()];
  };
  at(from) = Reached{};
  bool has_changed = true;
  for (size_t round = 0; has_changed && round < host.num_devices; ++round) {
    has_changed = false;
    for (const LinkDirection& link : links) {
      if (!at(link.from)) continue;
      const Reached next{at(link.from)->cost_ns + hop_ns(machine, link),
                         at(link.from)->num_hops + 1, &link};
      if (at(link.to) && !is_better(next, *at(link.to))) continue;
      at(link.to) = next;
      has_changed = true;
    }
  }
  std::vector<const LinkDirection*> route;
  for (DeviceId device = to; device != from && at(device); device = at(device)->by->from) {
    route.push_back(at(device)->by);
  }
  std::reverse(route.begin(), route.end());
  return route;
}

}  // namespace

std::vector<const LinkDirection*> cheapest_route(const Machine& machine, DeviceId from,
                                                 DeviceId to) {
  const std::span<const LinkDirection> links(machine.links);
  if (machine.hosts.empty()) {
    return route_among(machine, links, {"", DeviceId(0), machine.devices.size()}, from, to);
  }
  const auto within = [&](HostId id, DeviceId begin, DeviceId end) {
    const MachineHost& host = machine.hosts[id];
    return route_among(machine, links.subspan(host.first_link, host.num_links), host, begin, end);
  };
  const HostId host_from = machine.devices[from].host;
  const HostId host_to = machine.devices[to].host;
  if (host_from == host_to) return within(host_from, from, to);
  // The network is between the CPUs.
  const DeviceId out = machine.hosts[host_from].cpu;
  const DeviceId in = machine.hosts[host_to].cpu;
  auto route = within(host_from, from, out);
  const auto inwards = within(host_to, in, to);
  if ((route.empty() && from != out) || (inwards.empty() && in != to)) return {};
  route.push_back(&machine.network_link(host_from, host_to));
  route.insert(route.end(), inwards.begin(), inwards.end());
  return route;
}

}  // namespace graphc
